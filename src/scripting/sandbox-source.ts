/**
 * What runs first in a new machine, in Lua: hides what scripts must not have and makes what they share read-only, as
 * Redis' patched Lua does it in C. A shared table is reached through an empty stand-in whose metatable refuses writes;
 * `pairs`, `next`, `rawget`, `rawset` and `setmetatable` know the stand-ins.
 *
 * Called with the host's table (functions of ours by name), it fills `host.protect(table)`, `host.environment(table)` and
 * `host.handler`, the function that gives errors the form in which Redis reports them.
 */
export const SANDBOX_NAME = '=sandbox';

export const SANDBOX_SOURCE = `
local host = ...
local G = _G
local rawset, rawget, next, pairs, type, pcall = rawset, rawget, next, pairs, type, pcall
local setmetatable, getmetatable, error, tostring, loadstring = setmetatable, getmetatable, error, tostring, loadstring
local getinfo, sub, match, concat = debug.getinfo, string.sub, string.match, table.concat
local xpcall, resume, checkpoint = xpcall, coroutine.resume, host.checkpoint
local READONLY = 'Attempt to modify a readonly table'
local real = setmetatable({}, { __mode = 'k' })

local function refuse() error(READONLY, 2) end

local function protect(t)
  local stand = {}
  real[stand] = t
  local sealed = {}
  real[sealed] = {}
  setmetatable(sealed, { __newindex = refuse, __metatable = false })
  return setmetatable(stand, { __index = t, __newindex = refuse, __metatable = sealed })
end
host.protect = protect

local missing = { __index = function(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end }

function host.environment(t)
  setmetatable(t, missing)
  local stand = protect(t)
  rawset(t, '_G', stand)
  return stand
end

function host.handler(err)
  local level = 2
  local info = getinfo(level, 'nSl')
  if info and info.what == 'C' then
    level = level + 1
    info = getinfo(level, 'nSl')
  end
  while info and info.source == '=sandbox' do
    level = level + 1
    info = getinfo(level, 'nSl')
  end
  if type(err) ~= 'table' or real[err] then err = { err = 'ERR ' .. tostring(err) } end
  if info then
    rawset(err, 'source', info.source)
    rawset(err, 'line', info.currentline)
  end
  return err
end

local safe = {}
for _, name in pairs({ 'assert', 'collectgarbage', 'error', 'gcinfo', 'getmetatable', 'ipairs', 'rawequal',
  'select', 'tonumber', 'tostring', 'type', 'unpack', '_VERSION' }) do
  safe[name] = G[name]
end

-- Redis: an error in the form of a table is caught as its text.
-- A script that is to be killed must not go on because an error was caught, be it in a coroutine.
local function caught(ok, ...)
  if ok then return true, ... end
  checkpoint()
  local err = ...
  if type(err) == 'table' then
    local text = err.err
    if type(text) == 'string' or type(text) == 'number' then return false, text end
  end
  return false, ...
end

function safe.pcall(...)
  return caught(pcall(...))
end

local function checked(ok, ...)
  if not ok then checkpoint() end
  return ok, ...
end

function safe.xpcall(...)
  return checked(xpcall(...))
end

function safe.rawget(t, k)
  return rawget(real[t] or t, k)
end

function safe.rawset(t, k, v)
  if real[t] then error(READONLY, 0) end
  return rawset(t, k, v)
end

function safe.setmetatable(t, mt)
  if real[t] then error(READONLY, 0) end
  return setmetatable(t, mt)
end

function safe.next(t, k)
  return next(real[t] or t, k)
end

-- What is behind a stand-in must not get out: it could be written to.
function safe.pairs(t)
  if real[t] then return safe.next, t, nil end
  return next, t, nil
end

-- No bytecode: what it holds is not checked, and could be made to do anything.
function safe.loadstring(source, name)
  if type(source) == 'string' and sub(source, 1, 1) == '\\27' then
    local shown = match(name or source, '^[^%z\\r\\n]*')
    return nil, '[string "' .. shown .. '"]:1: unexpected symbol near \\'char(27)\\''
  end
  if name == nil then return loadstring(source) end
  return loadstring(source, name)
end

function safe.load(reader, name)
  if type(reader) ~= 'function' then
    error("bad argument #1 to 'load' (function expected, got " .. type(reader) .. ')', 2)
  end
  local parts, count = {}, 0
  while true do
    local part = reader()
    if part == nil or part == '' then break end
    if type(part) ~= 'string' then return nil, 'reader function must return a string' end
    count = count + 1
    parts[count] = part
  end
  return safe.loadstring(concat(parts), name or '=(load)')
end

local insert = table.insert
function G.table.insert(t, ...)
  if real[t] then error(READONLY, 2) end
  return insert(t, ...)
end

local math = G.math
math.random, math.randomseed = host.random, host.randomseed

function G.coroutine.resume(...)
  return checked(resume(...))
end

safe.string = protect(G.string)
safe.table = protect(G.table)
safe.math = protect(math)
safe.coroutine = protect(G.coroutine)
safe.os = protect({ clock = host.clock })
for _, name in pairs({ 'cjson', 'cmsgpack', 'struct', 'bit' }) do safe[name] = protect(host[name]) end
local strings = getmetatable('')
strings.__index = safe.string
strings.__metatable = protect({ __index = safe.string })

-- Each kind of script has globals of its own.
function host.globals(redis)
  local t = {}
  for k, v in pairs(safe) do t[k] = v end
  t.redis = protect(redis)
  return t
end
`;
