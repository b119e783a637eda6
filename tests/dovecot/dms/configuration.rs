//! A configuration with the structure of docker-mailserver's before an example is mounted: files
//! that include each other, `protocol` blocks, `local.conf` read last. Nothing here is copied from
//! it.

use super::mail_server::{Example, Ports};
use crate::support::dovecot::Version;

/// The only account in the file or in LDAP, and its password there.
pub const ALICE: &str = "alice@example.com";
pub const FORMER: &str = "the account's password";
/// An alias. docker-mailserver writes it into the account file with the home of its owner.
pub const ALIAS: &str = "sales@example.com";
/// A master user, who logs in as `USER*admin`.
pub const MASTER: (&str, &str) = ("admin", "the master's password");
/// The path of Alice's mailbox.
pub const HOME: &str = "/var/mail/example.com/alice/home";

/// The contents of files, by path.
pub type Files = Vec<(&'static str, String)>;

/// All files. With `identity_provider`, OAuth2 is on, and tokens are looked up at that port.
pub fn files(example: Example, ports: &Ports, identity_provider: Option<u16>) -> Files {
    let mut files = match example.version() {
        Version::V2_3 => dovecot_2_3(example, ports, identity_provider),
        Version::V2_4 => dovecot_2_4(example, ports, identity_provider),
    };
    files.push(("/etc/dovecot/masterdb", format!("{}:{{PLAIN}}{}\n", MASTER.0, MASTER.1)));
    files.extend(postfix(ports));
    if example.has_ldap() {
        files.extend(slapd());
    } else {
        let quota = match example.version() {
            Version::V2_3 => "userdb_quota_rule=*:bytes=100M",
            Version::V2_4 => "userdb_quota_storage_size=100M",
        };
        let lines = [ALICE, ALIAS]
            .map(|name| format!("{name}:{{PLAIN}}{FORMER}:5000:5000::{HOME}::{quota}\n"));
        files.push(("/etc/dovecot/userdb", lines.concat()));
    }
    files
}

fn dovecot_2_3(example: Example, ports: &Ports, identity_provider: Option<u16>) -> Files {
    let accounts = if example.has_ldap() { "auth-ldap.conf.ext" } else { "auth-passwdfile.inc" };
    let (mechanisms, oauth2) = match identity_provider {
        Some(_) => (" xoauth2 oauthbearer", "!include auth-oauth2.conf.ext\n"),
        None => ("", ""),
    };
    let auth = format!(
        "disable_plaintext_auth = no\nauth_mechanisms = plain login{mechanisms}\n\
         auth_master_user_separator = *\n!include auth-master.inc\n{oauth2}!include {accounts}\n"
    );
    let mut files = vec![
        ("/etc/dovecot/conf.d/10-auth.conf", auth),
        ("/etc/dovecot/conf.d/10-logging.conf", LOGGING.into()),
        ("/etc/dovecot/conf.d/10-mail.conf", MAIL_2_3.into()),
        ("/etc/dovecot/conf.d/10-master.conf", services(ports)),
        ("/etc/dovecot/conf.d/20-protocols.conf", PROTOCOLS_2_3.into()),
        ("/etc/dovecot/conf.d/90-quota.conf", QUOTA_2_3.into()),
        ("/etc/dovecot/conf.d/90-sieve.conf", SIEVE_2_3.into()),
        ("/etc/dovecot/conf.d/auth-master.inc", MASTER_2_3.into()),
    ];
    if let Some(port) = identity_provider {
        files.push(("/etc/dovecot/conf.d/auth-oauth2.conf.ext", OAUTH2_2_3.into()));
        let text = format!(
            "introspection_url = http://127.0.0.1:{port}/userinfo\nintrospection_mode = auth\n\
             username_attribute = email\n"
        );
        files.push(("/etc/dovecot/dovecot-oauth2.conf.ext", text));
    }
    if example.has_ldap() {
        files.push(("/etc/dovecot/conf.d/auth-ldap.conf.ext", LDAP_2_3.into()));
        files.push(("/etc/dovecot/dovecot-ldap.conf.ext", ldap_2_3(ports)));
    } else {
        files.push(("/etc/dovecot/conf.d/auth-passwdfile.inc", FILE_2_3.into()));
    }
    files
}

fn dovecot_2_4(example: Example, ports: &Ports, identity_provider: Option<u16>) -> Files {
    let accounts = if example.has_ldap() { "auth-ldap.conf.ext" } else { "auth-passwdfile.inc" };
    let oauth2 = match identity_provider {
        Some(_) => "!include auth-oauth2.conf.ext\n",
        None => "",
    };
    let auth = format!(
        "auth_allow_cleartext = yes\nauth_mechanisms = plain login\n\
         auth_master_user_separator = *\n!include auth-master.inc\n{oauth2}!include {accounts}\n"
    );
    let mut files = vec![
        ("/etc/dovecot/conf.d/10-auth.conf", auth),
        ("/etc/dovecot/conf.d/10-logging.conf", LOGGING.into()),
        ("/etc/dovecot/conf.d/10-mail.conf", MAIL_2_4.into()),
        (
            "/etc/dovecot/conf.d/10-master.conf",
            services(ports) + "auth_internal_failure_delay = 0\n",
        ),
        ("/etc/dovecot/conf.d/20-protocols.conf", PROTOCOLS_2_4.into()),
        ("/etc/dovecot/conf.d/90-quota.conf", QUOTA_2_4.into()),
        ("/etc/dovecot/conf.d/90-sieve.conf", SIEVE_2_4.into()),
        ("/etc/dovecot/conf.d/auth-master.inc", MASTER_2_4.into()),
    ];
    if let Some(port) = identity_provider {
        files.push(("/etc/dovecot/conf.d/auth-oauth2.conf.ext", oauth2_2_4(port)));
    }
    if example.has_ldap() {
        files.push(("/etc/dovecot/conf.d/auth-ldap.conf.ext", ldap_2_4(ports)));
    } else {
        files.push(("/etc/dovecot/conf.d/auth-passwdfile.inc", FILE_2_4.into()));
    }
    files
}

/// Contains nothing that an example has to set.
const LOGGING: &str = "log_path = /var/log/mail.log\n";

/// The ports of this test, and the auth socket of Postfix. Failed logins are not delayed.
fn services(ports: &Ports) -> String {
    let login = |service: &str, listener: &str, secured: &str, port: u16| {
        let secured = match secured {
            "" => String::new(),
            name => format!("  inet_listener {name} {{\n    port = 0\n  }}\n"),
        };
        format!(
            "service {service}-login {{\n  inet_listener {listener} {{\n    port = {port}\n  }}\n\
             {secured}}}\n"
        )
    };
    [
        "listen = 127.0.0.1\nssl = no\nauth_failure_delay = 0\nservice anvil {\n  \
         unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\nservice auth {\n  \
         unix_listener /var/spool/postfix/private/auth {\n    mode = 0660\n    user = postfix\n    \
         group = postfix\n  }\n}\n"
            .into(),
        login("imap", "imap", "imaps", ports.imap),
        login("pop3", "pop3", "pop3s", ports.pop3),
        login("managesieve", "sieve", "", ports.sieve),
    ]
    .concat()
}

const MAIL_2_3: &str = "mail_location = maildir:~/Maildir
mail_plugins = $mail_plugins quota
";

const PROTOCOLS_2_3: &str = "protocols = imap pop3 lmtp sieve
protocol imap {
  mail_plugins = $mail_plugins imap_quota
  mail_max_userip_connections = 20
}
protocol pop3 {
  mail_max_userip_connections = 20
}
protocol lmtp {
  postmaster_address = postmaster@example.com
  mail_plugins = $mail_plugins sieve
}
protocol sieve {
  managesieve_max_line_length = 65536
}
";

const QUOTA_2_3: &str = "plugin {
  quota = maildir:User quota
  quota_rule = *:storage=100M
}
";

const SIEVE_2_3: &str = "plugin {
  sieve = file:~/sieve;active=~/.dovecot.sieve
}
";

const MASTER_2_3: &str = "passdb {
  driver = passwd-file
  master = yes
  args = /etc/dovecot/masterdb
  result_success = continue
}
";

const OAUTH2_2_3: &str = "passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = /etc/dovecot/dovecot-oauth2.conf.ext
}
";

const FILE_2_3: &str = "passdb {
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u /etc/dovecot/userdb
}
userdb {
  driver = passwd-file
  args = username_format=%u /etc/dovecot/userdb
  default_fields = uid=docker gid=docker
}
";

const LDAP_2_3: &str = "passdb {
  driver = ldap
  mechanisms = plain login
  args = /etc/dovecot/dovecot-ldap.conf.ext
}
userdb {
  driver = ldap
  args = /etc/dovecot/dovecot-ldap.conf.ext
}
";

/// The filter compares the local part only.
fn ldap_2_3(ports: &Ports) -> String {
    format!(
        "uris = ldap://127.0.0.1:{}\ndn = cn=admin,dc=example,dc=com\ndnpass = admin\n\
         base = dc=example,dc=com\ndefault_pass_scheme = PLAIN\n\
         pass_filter = (&(objectClass=inetOrgPerson)(uid=%n))\npass_attrs = userPassword=password\n\
         user_filter = (&(objectClass=inetOrgPerson)(uid=%n))\n\
         user_attrs = =home=/var/mail/example.com/%{{ldap:uid}}/home,=uid=5000,=gid=5000\n",
        ports.ldap
    )
}

const MAIL_2_4: &str = "mail_driver = maildir
mail_path = ~/Maildir
mail_plugins {
  quota = yes
}
";

const PROTOCOLS_2_4: &str = "protocols {
  imap = yes
  pop3 = yes
  lmtp = yes
  sieve = yes
}
protocol imap {
  mail_plugins {
    imap_quota = yes
  }
  mail_max_userip_connections = 20
}
protocol pop3 {
  mail_max_userip_connections = 20
}
protocol lmtp {
  mail_plugins {
    sieve = yes
  }
}
protocol sieve {
  managesieve_max_line_length = 64 k
}
";

const QUOTA_2_4: &str = "quota \"User quota\" {
  driver = maildir
}
quota_storage_size = 100M
";

const SIEVE_2_4: &str = "sieve_script personal {
  path = ~/sieve
  active_path = ~/.dovecot.sieve
}
";

const MASTER_2_4: &str = "passdb master {
  driver = passwd-file
  master = yes
  passwd_file_path = /etc/dovecot/masterdb
  result_success = continue
}
";

fn oauth2_2_4(port: u16) -> String {
    format!(
        "auth_mechanisms = plain login xoauth2 oauthbearer\noauth2 {{\n  \
         introspection_url = http://127.0.0.1:{port}/userinfo\n  introspection_mode = auth\n  \
         username_attribute = email\n}}\npassdb oauth2 {{\n  driver = oauth2\n  \
         mechanisms_filter = xoauth2 oauthbearer\n}}\n"
    )
}

const FILE_2_4: &str = "passdb passdb-default {
  driver = passwd-file
  mechanisms_filter = plain login
  default_password_scheme = PLAIN
  passwd_file_path = /etc/dovecot/userdb
}
userdb userdb-default {
  driver = passwd-file
  passwd_file_path = /etc/dovecot/userdb
}
";

/// The filter compares the local part only.
fn ldap_2_4(ports: &Ports) -> String {
    format!(
        "ldap_uris = ldap://127.0.0.1:{}\nldap_auth_dn = cn=admin,dc=example,dc=com\n\
         ldap_auth_dn_password = admin\nldap_base = dc=example,dc=com\n\
         passdb ldap {{\n  ldap_filter = (&(objectClass=inetOrgPerson)(uid=%{{user | username}}))\n  \
         default_password_scheme = PLAIN\n  fields {{\n    password = %{{ldap:userPassword}}\n  }}\n}}\n\
         userdb ldap {{\n  ldap_filter = (&(objectClass=inetOrgPerson)(uid=%{{user | username}}))\n  \
         fields {{\n    home = /var/mail/example.com/%{{ldap:uid}}/home\n    uid = 5000\n    \
         gid = 5000\n  }}\n}}\n",
        ports.ldap
    )
}

/// A submission service that authenticates by Dovecot.
fn postfix(ports: &Ports) -> Files {
    let main = "compatibility_level = 3.6
myhostname = mail.example.com
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = /var/log/postfix.log
smtpd_error_sleep_time = 0
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
";
    let master = format!(
        "127.0.0.1:{} inet n - n - - smtpd\nanvil unix - - n - 1 anvil\n\
         proxymap unix - - n - - proxymap\n\
         rewrite unix - - n - - trivial-rewrite\npostlog unix-dgram n - n - 1 postlogd\n",
        ports.submission
    );
    vec![("/etc/postfix/main.cf", main.into()), ("/etc/postfix/master.cf", master)]
}

fn slapd() -> Files {
    let configuration = "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
maxsize 10485760
directory /var/lib/ldap/example
suffix dc=example,dc=com
rootdn cn=admin,dc=example,dc=com
rootpw admin
";
    let entries = format!(
        "dn: dc=example,dc=com\nobjectClass: organization\nobjectClass: dcObject\no: example\n\
         dc: example\n\ndn: uid=alice,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: alice\n\
         cn: Alice\nsn: Alice\nmail: {ALICE}\nuserPassword: {FORMER}\n"
    );
    vec![("/etc/ldap/slapd.conf", configuration.into()), ("/etc/ldap/entries.ldif", entries)]
}
