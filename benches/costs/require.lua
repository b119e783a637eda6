-- Loads the library, unless the first argument is 0.

for _ = 1, arg[1] do
    require("httpbasic")
end
