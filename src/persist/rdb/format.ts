/** The numbers of the RDB format, all that were ever given out by Redis up to version 14 of it. Files hold them: they never change. */

/** What stands where a type of value could. */
export const enum Opcode {
  /** Redis 8.4: facts about a key that modules have registered. */
  KeyMeta = 243,
  SlotInfo = 244,
  Function2 = 245,
  FunctionPreGa = 246,
  ModuleAux = 247,
  Idle = 248,
  Frequency = 249,
  Aux = 250,
  ResizeDatabase = 251,
  ExpiryMs = 252,
  ExpirySeconds = 253,
  SelectDatabase = 254,
  End = 255,
}

/** How a value is written. */
export const enum RdbType {
  String = 0,
  List = 1,
  Set = 2,
  SortedSetText = 3,
  Hash = 4,
  SortedSet = 5,
  ModulePreGa = 6,
  Module = 7,
  HashZipmap = 9,
  ListZiplist = 10,
  IntegerSet = 11,
  SortedSetZiplist = 12,
  HashZiplist = 13,
  ListQuicklist = 14,
  Stream = 15,
  HashListpack = 16,
  SortedSetListpack = 17,
  ListQuicklist2 = 18,
  Stream2 = 19,
  SetListpack = 20,
  Stream3 = 21,
  HashTimedPreGa = 22,
  HashListpackTimedPreGa = 23,
  HashTimed = 24,
  HashListpackTimed = 25,
  /** Redis 8.6: with the messages that producers have told apart. */
  Stream4 = 26,
  /** Redis 8.8: with what was given back by consumers. */
  Stream5 = 27,
}

/** How the first byte of a length, and what follows it, is to be read. */
export const enum LengthForm {
  /** 00nnnnnn. */
  Six = 0,
  /** 01nnnnnn nnnnnnnn. */
  Fourteen = 1,
  /** 10000000 and 4 bytes, big-endian; 10000001 and 8 bytes. */
  Long = 2,
  /** 11eeeeee: an encoded string. */
  Encoded = 3,
}

export const LONG_LENGTH_32 = 0x80;
export const LONG_LENGTH_64 = 0x81;

/** First bytes of encoded strings. */
export const enum StringForm {
  Integer8 = 0xc0,
  Integer16 = 0xc1,
  Integer32 = 0xc2,
  Lzf = 0xc3,
}

/** Strings up to this many bytes may be written as integers. */
export const INTEGER_TEXT_BYTES_MAX = 11;
/** Strings longer than this are worth compressing. */
export const COMPRESS_FROM_BYTES = 21;

/** Versions of the format: what redis-server 7.0 reads, from where on fields of hashes may expire, and the last one known. */
export const RDB_VERSION_DEFAULT = 10;
export const RDB_VERSION_SET_LISTPACK = 11;
export const RDB_VERSION_FIELD_EXPIRY = 12;
export const RDB_VERSION_MAX = 14;

/**
 * Names of aux fields by which we tell ourselves, in front of an entry, what the version of the format cannot say and
 * Redis passes over: when the fields of a hash expire, and memcached's client flags.
 */
export const AUX_FIELD_EXPIRY = 'damselfly-field-expiry';
export const AUX_CLIENT_FLAGS = 'damselfly-client-flags';

/** Containers of nodes of a quicklist. */
export const PLAIN_NODE = 1;
export const PACKED_NODE = 2;

/** A checksum at the end of a file or payload, and what a payload has behind its value. */
export const CHECKSUM_BYTES = 8;
export const PAYLOAD_FOOTER_BYTES = 10;
