/** What commands take that are newer than Redis 7.0, or take more since: from public documentation. The form: argument-docs.ts. */
export const ARGUMENTS_NEWER = `
commandlog|get count|i type|o(slow|t=SLOW large-request|t=LARGE-REQUEST large-reply|t=LARGE-REPLY)
commandlog|len type|o(slow|t=SLOW large-request|t=LARGE-REQUEST large-reply|t=LARGE-REPLY)
commandlog|reset type|o(slow|t=SLOW large-request|t=LARGE-REQUEST large-reply|t=LARGE-REPLY)
delifeq key|k@0 value|s
digest key|k@0
hexpire key|k@0 seconds|i condition|o?(nx|t=NX xx|t=XX gt|t=GT lt|t=LT) fields|b=FIELDS(numfields|i field|s*)
hexpireat key|k@0 unix-time-seconds|u condition|o?(nx|t=NX xx|t=XX gt|t=GT lt|t=LT) fields|b=FIELDS(numfields|i field|s*)
hpexpire key|k@0 milliseconds|i condition|o?(nx|t=NX xx|t=XX gt|t=GT lt|t=LT) fields|b=FIELDS(numfields|i field|s*)
hpexpireat key|k@0 unix-time-milliseconds|u condition|o?(nx|t=NX xx|t=XX gt|t=GT lt|t=LT) fields|b=FIELDS(numfields|i field|s*)
hexpiretime key|k@0 fields|b=FIELDS(numfields|i field|s*)
hpexpiretime key|k@0 fields|b=FIELDS(numfields|i field|s*)
httl key|k@0 fields|b=FIELDS(numfields|i field|s*)
hpttl key|k@0 fields|b=FIELDS(numfields|i field|s*)
hpersist key|k@0 fields|b=FIELDS(numfields|i field|s*)
hgetdel key|k@0 fields|b=FIELDS(numfields|i field|s*)
hgetex key|k@0 expiration|o?(seconds|i=EX milliseconds|i=PX unix-time-seconds|u=EXAT unix-time-milliseconds|u=PXAT persist|t=PERSIST) fields|b=FIELDS(numfields|i field|s*)
hsetex key|k@0 condition|o?(fnx|t=FNX fxx|t=FXX) expiration|o?(seconds|i=EX milliseconds|i=PX unix-time-seconds|u=EXAT unix-time-milliseconds|u=PXAT keepttl|t=KEEPTTL) fields|b=FIELDS(numfields|i data|b*(field|s value|s))
delex key|k@0 condition|o?(ifeq-value|s=IFEQ ifne-value|s=IFNE ifdeq-digest|s=IFDEQ ifdne-digest|s=IFDNE)
msetex numkeys|i data|b*(key|k@0 value|s) condition|o?(nx|t=NX xx|t=XX) expiration|o?(seconds|i=EX milliseconds|i=PX unix-time-seconds|u=EXAT unix-time-milliseconds|u=PXAT keepttl|t=KEEPTTL)
prepend key|k@0 value|s
set key|k@0 value|s condition|o?<2.6.12(nx|t=NX xx|t=XX comparison-value|s=IFEQ<8.1.0) get|t?=GET<6.2.0 expiration|o?(seconds|i=EX<2.6.12 milliseconds|i=PX<2.6.12 unix-time-seconds|u=EXAT<6.2.0 unix-time-milliseconds|u=PXAT<6.2.0 keepttl|t=KEEPTTL<6.0.0)
sdiffcard numkeys|i key|k*@0 limit|i?=LIMIT
xackdel key|k@0 group|s condition|o?(keepref|t=KEEPREF delref|t=DELREF acked|t=ACKED) ids|b=IDS(numids|i id|s*)
xdelex key|k@0 condition|o?(keepref|t=KEEPREF delref|t=DELREF acked|t=ACKED) ids|b=IDS(numids|i id|s*)
`;
