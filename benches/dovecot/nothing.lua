-- A passdb script that sends no request. It shows what a login costs Dovecot itself.

function script_init()
    return 0
end

function auth_passdb_lookup()
    return dovecot.auth.PASSDB_RESULT_OK, { nopassword = "y" }
end
