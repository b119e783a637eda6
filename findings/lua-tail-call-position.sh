#!/bin/bash
# error(text, 2) in a function that was called by a tail call has no position in Lua 5.1, and another one in Lua 5.4.
#
# Versions: Lua 5.1.5, Lua 5.4.7, LuaJIT 2.1 (Debian 13)
# Expected: level 2 is the line that called the function which raised the error. `return check(value)` is such a line.
# Seen:     a tail call removes its own function from the stack. Lua 5.1 then adds no position at all. Lua 5.4 adds
#           that of the next function outwards, which may be in another file, and so does LuaJIT, which is a Lua 5.1
#           otherwise. A module that ends its functions with `return check(...)` loses the positions of its errors.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=lua5.1,lua5.4,luajit trixie "$work/debian" || exit 2

cat >"$work/debian/finding.lua" <<'END'
local function check(value)
    if type(value) ~= "number" then error("not a number", 2) end
    return value
end
local function by_a_call(value)
    local number = check(value) -- line 6
    return number
end
local function by_a_tail_call(value)
    return check(value) -- line 10
end
local function user(inner)
    local number = inner("x") -- line 13
    return number
end
print(select(2, pcall(user, by_a_call)))
print(select(2, pcall(user, by_a_tail_call)))
END

expected='lua5.1 (Lua 5.1.5): finding.lua:6: not a number
lua5.1 (Lua 5.1.5): not a number
lua5.4 (Lua 5.4.7): finding.lua:6: not a number
lua5.4 (Lua 5.4.7): finding.lua:13: not a number
luajit (LuaJIT 2.1): finding.lua:6: not a number
luajit (LuaJIT 2.1): finding.lua:13: not a number'
seen=$(for lua in lua5.1 lua5.4 luajit; do
    version=$(chroot "$work/debian" $lua -v 2>&1 | grep -oE '^(Lua [0-9.]+|LuaJIT [0-9]\.[0-9])')
    chroot "$work/debian" $lua finding.lua | sed "s/^/$lua ($version): /"
done)
echo "$seen"
[ "$seen" = "$expected" ] || { echo 'This has changed.'; exit 1; }
