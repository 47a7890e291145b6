/** Scripts that must reply byte for byte the same on redis-server. One per line; `~` splits script, key count and arguments. */
export const SCRIPTS: readonly string[] = `
return 1
return 3.99
return -3.99
return 1e15
return 2^53
return 2^62
return 2^63
return -2^63
return 0/0
return "x\\0y"
return {1,2,{3,"x"},nil,4}
return {}
return {a=1}
return nil
return true
return false
return {true,false}
return {ok="fine"}
return {ok="a\\r\\nb"}
return {err="x"}
return {err="MY x"}
return {double=3.5}
return {double=1e100}
return {map={a=1}}
return {set={a=true}}
return {big_number="123456789012345678901234567890"}
return {verbatim_string={string="hello",format="txt"}}
return {verbatim_string={string="hello"}}
return {verbatim_string=1}
return tostring
return coroutine.create(function() end)
return cjson.null
return redis.error_reply("x")
return redis.error_reply("MY x")
return redis.error_reply("-MY x")
return redis.error_reply()
return redis.status_reply("x")
return redis.status_reply(1)
return redis.sha1hex("x")
return redis.sha1hex()
return redis.sha1hex({})
redis.log(1)
redis.log("x","y")
redis.log(9,"y")
return redis.log(redis.LOG_DEBUG,"a","b")
return redis.setresp(4)
return redis.setresp()
return redis.set_repl(99)
return redis.set_repl()
return redis.set_repl(redis.REPL_ALL)
return redis.replicate_commands()
return redis.breakpoint()
return redis.debug("x")
return {redis.LOG_DEBUG,redis.LOG_VERBOSE,redis.LOG_NOTICE,redis.LOG_WARNING,redis.REPL_ALL,redis.REPL_AOF,redis.REPL_NONE,redis.REPL_REPLICA,redis.REPL_SLAVE}
return redis.acl_check_cmd("get","x")
return redis.acl_check_cmd("nope")
return redis.acl_check_cmd()
return redis.call()
return redis.call("nope")
return redis.pcall("nope")
return redis.call("get")
return redis.pcall("get")
return redis.call({})
return redis.call("get",true)
return redis.pcall("get",{})
return redis.call("eval","return 1",0)
return redis.call("config","get","x")
return redis.call("config","nope")
return redis.call("set","k",1.5) 
return redis.call("set","k",0.1) and redis.call("get","k")
return redis.call("set","k",1e20) and redis.call("get","k")
return redis.call("set","k",123456789012) and redis.call("get","k")
return redis.call("incrby","n",5)
return redis.call("incr","k")
return redis.pcall("incr","k")
local r=redis.pcall("incr","k") return r.err
local ok,e=pcall(redis.call,"incr","k") return {tostring(ok),e}
local ok,e=pcall(redis.call,"nope") return {tostring(ok),e}
return redis.call("del","l","k","n","h","z","s")
return redis.call("rpush","l","a","b\\0c","d")
return redis.call("lrange","l",0,-1)
return #redis.call("lrange","l",0,-1)[2]
return redis.call("lpop","nokey")
return redis.call("lpop","nokey",3)
return type(redis.call("get","nokey"))
return redis.call("hset","h","a",1,"b",2)
return redis.call("hgetall","h")
redis.setresp(3) return redis.call("hgetall","h")
redis.setresp(3) local r=redis.call("hgetall","h") return {type(r.map),r.map.a,r.map.b}
return redis.call("zadd","z",1.5,"a",2,"b")
return redis.call("zscore","z","a")
redis.setresp(3) return redis.call("zscore","z","a")
redis.setresp(3) return tostring(redis.call("zscore","z","a").double)
redis.setresp(3) return redis.call("zrange","z",0,-1,"withscores")
return redis.call("sadd","s","x")
redis.setresp(3) return redis.call("smembers","s")
redis.setresp(3) local r=redis.call("smembers","s") return tostring(r.set.x)
redis.setresp(3) return type(redis.call("get","nokey"))
redis.setresp(3) return redis.call("get","nokey")
redis.setresp(3) return {true,false}
redis.setresp(3) return redis.call("lpop","nokey",2)
redis.setresp(3) return {redis.call("ping"),redis.call("exists","z"),redis.call("type","z")}
return redis.call("ping")
return redis.call("ping").ok
return redis.call("select",1)
return redis.call("select",99)
return redis.call("get","l")
return {redis.call("ping"),redis.pcall("get","l")}
return KEYS[1]..ARGV[1]..#KEYS..#ARGV~1~k~a~b
return {KEYS,ARGV}~2~k~l~a\0b~
KEYS[1]="z" return KEYS[1]~1~k
return KEYS[1]~0
return x
x=1
local x=1; x=2; return x
return _G.x
_G.x=1
rawset(_G,"x",1)
return rawget(_G,"x")
return type(rawget(_G,"redis"))
setmetatable(_G,{})
setmetatable(redis,{})
string.x=1
redis.x=1
redis.call=1
return redis.x
return string.x
return math.pi
cjson.encode=nil
getmetatable("").__index={}
return type(getmetatable(""))
return type(getmetatable(_G))
return print
return dofile
return loadfile
return require
return io
return debug
return newproxy
return setfenv
KEYS=1
error("boo")
error("boo",0)
error("boo",2)
error({err="My Err"})
error({err="My Err",x=1})
error()
error(nil)
error(12)
local function f() error("deep") end f()
local function f() error("deep",2) end f()
return 1 + nil
return {} .. "x"
local t=nil return t.x
return ("x"):nope()
return #5
return {} < {}
local function f() return 1+f() end return f()
assert(false,"msg")
assert(false)
assert(nil,"a b")
return {pcall(error,"x")}
return {pcall(function() error("y") end)}
return select(2,pcall(function() error({err="z"}) end)).err
return {xpcall(function() error("y") end,function(e) return "H:"..e end)}
return (
return 1+
local x = 
foo bar
for i=1,3 do
return "abc
return 1;;
goto x
#!lua\\nreturn 1
#!lua\\nreturn x
#!lua flags=no-writes\\nreturn redis.call("set","a",1)
#!lua flags=no-writes\\nreturn redis.call("get","a")
#!lua flags=no-writes,allow-stale,allow-oom,no-cluster\\nreturn 1
#!lua flags=\\nreturn 1
#!lua flags=foo\\nreturn 1
#!lua name=foo\\nreturn 1
#!lua foo\\nreturn 1
#!luax\\nreturn 1
#!lua
return loadstring("return 5")()
return {loadstring("return +")}
return {loadstring("return +","=n")}
return load(function() return nil end)
local a={"return ","7"} local i=0 return load(function() i=i+1 return a[i] end)()
local a,b=loadstring(string.dump(function() end)) return tostring(a)
return string.format("%d %s %5.2f %q %x",5,"x",1.5,"a\\nb",255)
return ("abc"):upper():rep(2)
return {string.byte("abc",1,-1)}
return {("hello world"):find("o w")}
return {("k1=v1"):match("(%w+)=(%w+)")}
return ("abc"):gsub("b","%0%0")
return table.concat({1,2,3},",")
local t={3,1,2} table.sort(t) return t
local t={3,1,2} table.sort(t,function(a,b) return a>b end) return t
local t={} table.insert(t,1) table.insert(t,1,2) return {table.remove(t),#t}
return {unpack({1,2,3})}
return select("#",1,2,3)
math.randomseed(5) return {math.random(100),math.random(5,10),tostring(math.random())}
return {math.floor(1.5),math.max(1,5),math.huge}
return tostring(1e15)..tostring(0.1)..tostring(1/3)..tostring(-0.0)..tostring(1e100)
return tonumber("0x10")+tonumber("  5  ")+tonumber("z",36)
return {tonumber("x"),1}
local n=0 for k,v in pairs({1,2,a=3}) do n=n+v end return n
local n=0 for k in pairs(math) do n=n+1 end return n>20
local n=0 for k,v in pairs(redis) do n=n+1 end return n
return next({})
return {next({5})}
local c=coroutine.wrap(function(a) local b=coroutine.yield(a+1) return b*2 end) return {c(1),c(5)}
return {coroutine.resume(coroutine.create(function() error("in co") end))}
return _VERSION
return type(collectgarbage("count"))
return {bit.tobit(0xffffffff),bit.tobit(2^40+5),bit.bnot(0),bit.bswap(0x12345678),bit.tohex(-1),bit.tohex(255,4),bit.tohex(255,-4)}
return {bit.band(12,10),bit.bor(12,10),bit.bxor(12,10),bit.band(1,3,5),bit.lshift(1,31),bit.rshift(-1,28),bit.arshift(-256,4),bit.rol(0x12345678,8),bit.ror(0x12345678,8),bit.lshift(1,33)}
return bit.band()
return bit.band("x")
return bit.bor("7",8)
return {bit.tobit(1.5),bit.tobit(2.5),bit.tobit(-1.5),bit.tobit(-0.6)}
return cjson.encode({1,2,3})
return cjson.encode({1,2,a=3})
return cjson.encode({})
return cjson.encode({a={}})
return cjson.encode({[1]=1,[3]=3})
return cjson.encode({[1]=1,[1000]=3})
return cjson.encode({[1.5]=1})
return cjson.encode({[-1]=1})
return cjson.encode({[true]=1})
return cjson.encode(tostring)
return cjson.encode(1/0)
return cjson.encode(0/0)
return cjson.encode({cjson.null,true,false})
return cjson.encode({1e15,1e14,0.1,123456789012345678,1/3,-0.0,1e-7,100000,1e9,12345678901234})
return cjson.encode("a/b\\1\\127\\200\\"\\\\ \\t\\n\\r\\8\\12")
return cjson.encode("x","y")
return cjson.encode()
return cjson.encode(nil)
local t={} t.t=t return cjson.encode(t)
return cjson.decode("[1,")
return cjson.decode("{\\"a\\":}")
return cjson.decode("")
return cjson.decode("nul")
return cjson.decode("[1 2]")
return cjson.decode("\\"\\\\ud800\\"")
return cjson.decode("\\"\\\\ud83d\\\\ude00\\\\u00e9\\\\u4e2d\\"")
return cjson.decode("\\"a\\\\n\\\\t\\\\/\\\\\\"\\"")
return cjson.decode("\\"abc")
return cjson.decode("01")
return cjson.decode("0x1F")
return cjson.decode("[nan]")
return cjson.decode("-")
return cjson.decode("-x")
return cjson.decode("+1")
return cjson.decode("1.e5")
return cjson.decode("[.5]")
return tostring(cjson.decode("-1.5e-3"))
return tostring(cjson.decode("-0"))
return tostring(cjson.decode("12345678901234567890"))
return cjson.decode("inf")
return cjson.decode("Infinity")
return cjson.decode("@")
return cjson.decode("1 x")
return cjson.decode("[1] [2]")
return cjson.decode("{1:2}")
return cjson.decode("{\\"a\\" 1}")
return cjson.decode("{\\"a\\":1,}")
return cjson.decode("{\\"a\\":1 \\"b\\"}")
return cjson.decode("[[1],]")
return cjson.decode("\\"\\\\x\\"")
return cjson.decode("\\"a\\nb\\"")
return cjson.decode({})
return cjson.decode(5)
return cjson.decode("[1,2,3]")
return cjson.decode("{\\"a\\":null}").a==cjson.null
return cjson.decode("[true,false,null,1,\\"x\\"]")
return cjson.decode("{\\"k\\":{\\"l\\":[{},[],5]}}").k.l[3]
return cjson.decode(" \\t\\n[ 1 , 2 ] ")
return cjson.decode("a\\0")
return cjson.decode("[1]\\0x")
return cjson.decode(string.rep("[",1000)..string.rep("]",1000)) and 1
return cjson.decode(string.rep("[",1001)..string.rep("]",1001))
return {cjson.encode_sparse_array(true,1,2)}
return cjson.encode({[1]=1,[1000]=3})
return {cjson.encode_sparse_array(false,2,10)}
return {cjson.encode_sparse_array("x")}
return {cjson.encode_sparse_array(1,2,3,4)}
return cjson.encode_max_depth(0)
return cjson.encode_max_depth("x")
return {tostring(cjson.encode_number_precision()),cjson.encode_max_depth(),cjson.decode_max_depth(),tostring(cjson.encode_invalid_numbers()),tostring(cjson.decode_invalid_numbers()),tostring(cjson.encode_keep_buffer())}
cjson.encode_number_precision(3) local r=cjson.encode({1/3,123456,2}) cjson.encode_number_precision(14) return r
cjson.encode_invalid_numbers("null") local r=cjson.encode({1/0,0/0}) cjson.encode_invalid_numbers(false) return r
cjson.decode_invalid_numbers(false) local r={pcall(cjson.decode,"[nan]")} cjson.decode_invalid_numbers(true) return r
cjson.decode_invalid_numbers(false) local r={pcall(cjson.decode,"[01]")} cjson.decode_invalid_numbers(true) return r
cjson.encode_max_depth(2) local r={pcall(cjson.encode,{{{}}})} cjson.encode_max_depth(1000) return r
return {cjson._NAME,cjson._VERSION}
return type(cjson.new())
return cmsgpack.pack(1,-1,127,128,255,256,65535,65536,4294967295,4294967296,-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,2^53,-2^53)
return cmsgpack.pack(0.5,0.1,1e100,-1.5,1/0,-1/0)
return cmsgpack.pack("","x",string.rep("a",31),string.rep("a",32))
return #cmsgpack.pack(string.rep("a",255),string.rep("a",256),string.rep("a",65536))
return cmsgpack.pack({},{1,2},{a=1},nil,true,false)
return cmsgpack.pack({1,nil,3})
return cmsgpack.pack({[1]=1,[2]=2,[4]=4})
return cmsgpack.pack(tostring,cjson.null)
return cmsgpack.pack()
local t={} for i=1,20 do t={t} end return cmsgpack.pack(t)
local t={} for i=1,20 do t[i]=i end return cmsgpack.pack(t)
return {cmsgpack.unpack(cmsgpack.pack(1,-5,"x",true,{1,2,{a="b"}},300,-300,70000,-70000,2^40,-2^40))}
return {cmsgpack.unpack(cmsgpack.pack(nil))}
local a,b,c=cmsgpack.unpack(cmsgpack.pack(0.5,0.1,1/0)) return {tostring(a),tostring(b),tostring(c)}
return {cmsgpack.unpack_one(cmsgpack.pack(1,2,3))}
return {cmsgpack.unpack_one(cmsgpack.pack(1,2,3),1)}
return {cmsgpack.unpack_one(cmsgpack.pack(1,2,3),2)}
return {cmsgpack.unpack_limit(cmsgpack.pack(1,2,3),2)}
return {cmsgpack.unpack_limit(cmsgpack.pack(1,2,3),2,1)}
return {cmsgpack.unpack_limit(cmsgpack.pack(1,2,3),0)}
return {cmsgpack.unpack_limit(cmsgpack.pack(1,2,3),-1)}
return {cmsgpack.unpack_one(cmsgpack.pack(1,2,3),10)}
return cmsgpack.unpack("\\217")
return cmsgpack.unpack("\\193")
return cmsgpack.unpack("\\196\\1x")
return cmsgpack.unpack("\\146\\1")
return cmsgpack.unpack("\\220")
return cmsgpack.unpack({})
return {cmsgpack.unpack("")}
return {cmsgpack._NAME,cmsgpack._VERSION}
return struct.pack("bBhHlLiI",1,2,3,4,5,6,7,8)
return struct.pack(">bBhHlLiI",-1,-2,-3,-4,-5,-6,-7,-8)
return struct.pack("<i3>i3I5",1000,-1000,2^33)
return struct.pack("fd>fd",1.5,2.5,1.5,2.5)
return struct.pack("s","abc")..struct.pack("c2","abc")..struct.pack("c0","abc")
return struct.pack("c5","abc")
return struct.pack("!4bi",1,2)
return struct.pack("!bd",1,2)
return struct.pack("!3bd",1,2)
return struct.pack("bx b",1,2)
return struct.pack("z",1)
return struct.pack("b")
return struct.pack("b","x")
return struct.pack("i33",1)
return struct.pack("T",5)
return struct.pack()
return struct.pack("i9",-2)
return {struct.unpack("bBhHlLiI",struct.pack("bBhHlLiI",-1,2,-3,4,-5,6,-7,8))}
return {struct.unpack(">i3",struct.pack(">i3",-1000))}
return {struct.unpack("s",struct.pack("s","abc"))}
return {struct.unpack("s","abc")}
return {struct.unpack("bc0","\\3abc")}
return {struct.unpack("c0","abc")}
return {struct.unpack("i","abc")}
return {struct.unpack("b","abc",2)}
return {struct.unpack("b","abc",0)}
return {struct.unpack("b","abc",9)}
return {struct.unpack("!4bi",struct.pack("!4bi",1,2))}
local f,d=struct.unpack("fd",struct.pack("fd",0.1,0.1)) return {tostring(f),tostring(d)}
return {struct.size("bBhHlLiI"),struct.size("!8bd"),struct.size("c10"),struct.size("i3")}
return struct.size("s")
return struct.size("c0")
return struct.size("z")
return string.rep("x",100):len()
return ("x"):rep(-1)
return tostring(nil)..tostring(true)
return redis.call("set",KEYS[1],ARGV[1])~1~bin~\\0\\255
return redis.call("get","bin")
redis.call("set","a","1") return redis.call("mget","a","nokey","bin")
local t={} t[1]=t return 1
return redis.call("dbsize")>0
return redis.call("type","z")
return redis.call("flushall")
return redis.call("dbsize")
return redis.call("randomkey")
return redis.call("scan",0)
return redis.call("object","help")[1]
return redis.call("client","id")
return redis.call("debug","sleep",0)
return redis.call("shutdown")
return redis.call("auth","x")
return redis.call("hello")
return redis.call("script","load","return 1")
return redis.call("command","count")>100
return redis.call("GET","a")
return redis.call("GeT","a")
return redis.pcall("LPUSH","a")
return redis.call("time")[1]+0>1e9
`
  .trim()
  .split('\n');
