-- Measures the CPU time of loading the library and creating a client, in milliseconds.

local start = os.clock()
local httpbasic = require("httpbasic")
local loaded = os.clock()
httpbasic.client({ url = "https://nextcloud.example.com/remote.php/dav/" })
print((loaded - start) * 1000, (os.clock() - loaded) * 1000)
