-- Creates clients with different options, because clients with the same options share what they need.

local httpbasic = require("httpbasic")
for number = 1, arg[1] do
    httpbasic.client { url = "https://nextcloud.example.com/remote.php/dav/", user_agent = "number " .. number }
end
