//! `Reason`: why something was refused or failed, with a stable code that log, reply, console and
//! `carrack why CODE` share.

use std::fmt;

macro_rules! reasons {
    ($($name:ident = $code:literal, $cause:literal, $remedy:literal;)*) => {
        /// Why something was refused or failed. The code never changes its meaning; a new meaning gets a new code.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Reason {
            $(#[doc = $cause] $name,)*
        }

        impl Reason {
            /// All of them, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code: `CRK-` and three digits.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => concat!("CRK-", $code),)* }
            }

            /// What happened, in one sentence without its full stop.
            pub const fn cause(self) -> &'static str {
                match self { $(Self::$name => $cause,)* }
            }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}

reasons! {
    // 1xx: the door
    LoginWrong = "101", "the user name or the password is wrong", "Check both; repeated failures slow the answers down and then ban the address.";
    Banned = "102", "the address is banned after too many failed logins", "Wait until the ban ends (limits.ban_seconds), or restart the server.";
    PlainLogin = "103", "this listener takes no passwords in clear from other machines", "Use TLS, connect from loopback, or set plain_login = \"allow\" on the listener.";
    TooManySessions = "104", "the server has as many sessions as it may have", "Try again later, or raise limits.sessions.";
    TooManyFromAddress = "105", "this address has as many sessions as it may have", "Close another session, or raise limits.sessions_per_address.";
    TooManyOfUser = "106", "this user has as many sessions as it may have", "Close another session, or raise the user's sessions limit.";
    TooManyTries = "107", "too many failed logins on this connection", "Connect again and log in with the right password.";
    UserDisabled = "108", "the user was disabled or removed while logged in", "Ask the administrator.";
    AddressNotAllowed = "109", "this address may not connect to this listener, or not as this user", "Connect from an allowed network, or add the address to allow.";
    UnknownHost = "110", "no virtual host of that name", "Check the HOST name, or add a [[host]] with it.";
    ShuttingDown = "111", "the server is shutting down", "Connect again in a moment.";
    IdleTimeout = "112", "nothing was said or moved for too long", "Connect again; SITE IDLE asks for a longer time.";
    LoginTimeout = "113", "nobody logged in within the time given", "Log in sooner, or raise limits.login_seconds.";
    Kicked = "114", "the administrator closed the session", "Ask the administrator.";
    Overloaded = "115", "the server is out of descriptors or memory for one more session", "Try again later; raise the process's limit of open files.";
    AccountWrong = "116", "the user has no account of that name", "Send ACCT with one of the user's accounts.";
    LoginUnprotected = "117", "logins must be protected on this listener", "Send AUTH TLS before USER: let the client use explicit TLS (FTPES), or set tls = \"offered\" on the listener.";

    // 2xx: files
    NotFound = "201", "no such file or folder", "Check the name; names are case-sensitive.";
    Exists = "202", "something has that name already", "Choose another name, or remove what stands there.";
    NotAFolder = "203", "a part of the path, or what it names, is not a folder", "Check the path.";
    IsAFolder = "204", "that is a folder and not a file", "Name a file, or use a command for folders.";
    NotEmpty = "205", "the folder is not empty", "Remove what is in it first, or use RMDA.";
    NotRegular = "206", "that is neither a file nor a folder (a pipe, socket or device)", "Only files and folders are served.";
    LeadsOutside = "207", "a symbolic link leads out of the served tree", "Links may point to places inside the mount; mount the other place too to share it.";
    LinkLoop = "208", "symbolic links lead in a circle", "Remove one of the links.";
    NameTooLong = "209", "the name is too long", "Names hold 255 bytes a component and 4096 in all.";
    BadName = "210", "the name cannot be used here", "Choose a name without NUL and without the reserved prefix .~carrack~";
    Denied = "211", "the user's permissions do not allow this here", "Ask for the permission, or see the rules of the user and its groups.";
    StorageDenied = "212", "the storage refused it to the server", "Give the user the server runs as the right to do this on disk.";
    ReadOnly = "213", "this place is read-only", "Write somewhere else, or mount it writable.";
    NoSpace = "214", "the storage is full", "Free some space.";
    OverQuota = "215", "the user's quota is used up", "Remove files, or raise the quota.";
    TooLarge = "216", "the file is larger than this user may store", "Send a smaller file, or raise the user's file_size limit.";
    Busy = "217", "the file is in use in a way that excludes this", "Try again when the other transfer has ended.";
    Unsupported = "218", "this storage cannot do that", "Use another command, or another storage.";
    CrossMount = "219", "the two names lie on different mounts", "Copy the file and remove the old one.";
    Io = "220", "the storage failed", "See the server's log for what the system said.";
    BeyondEnd = "221", "the starting point lies beyond the end of what is there", "Start at or before the size that SIZE tells.";
    TooManyTransfers = "222", "this user has as many transfers running as it may have", "Wait for one to end, or raise the user's transfers limit.";
    SizeMismatch = "223", "the upload ended before the announced number of bytes", "Send it again; what came is kept for resuming.";
    TooMany = "224", "there are more entries than one answer may hold", "Ask for a smaller part.";
    Cancelled = "225", "it was cancelled", "Nothing, if that was meant.";
    UnknownMount = "226", "no mount of that name for this user", "See the user's mounts in the configuration.";
    MountPoint = "227", "that is a mount point", "Mounts are changed in the configuration.";
    AuditFull = "228", "the audit log cannot take another entry", "See why the audit file cannot be written; audit.policy = \"lossy\" goes on without it.";
    Shrunk = "229", "the file became shorter while it was sent", "Fetch it again when nothing writes to it.";
    NoBuffers = "230", "the server's transfer buffers were all in use for too long", "Try again when other transfers have ended.";

    // 3xx: the data connection
    DataNeverCame = "301", "the client never connected to the passive port", "A firewall or NAT between client and server: open the passive ports, or set public_address.";
    DataRefused = "302", "the client's address and port refused the data connection", "The client listens elsewhere, or a firewall blocks it: use passive mode.";
    DataUnreachable = "303", "the client's address cannot be reached from here", "The client is behind NAT or a firewall: use passive mode (EPSV or PASV).";
    DataForeign = "304", "the data connection's address is not the control connection's", "Connect from the same address; FXP is a permission of the user (fxp = true).";
    DataStalled = "305", "no byte moved on the data connection for too long", "See what stops the client or the network; limits.stall_seconds sets how long.";
    DataReset = "306", "the client cut the data connection", "Send or fetch the rest with REST.";
    NoPassivePort = "307", "no passive port is free for this address", "Too many data connections of this address are pending; give a larger passive_ports range.";
    DataPortLow = "308", "a data connection to a port below 1024 is refused", "Listen on a higher port (RFC 2577 section 3).";
    OnlyEpsv = "309", "after EPSV ALL only EPSV may set up data connections", "Use EPSV, or connect again.";
    DataFamily = "310", "that address family is not the control connection's", "Use the family that the reply names.";
    PrivateAnnounced = "311", "a private address was announced to a client from outside", "Set public_address on the listener (or --public-address).";
    NoActive = "312", "active mode is switched off on this listener", "Use passive mode.";
    NoPassive = "313", "passive mode is switched off on this listener", "Use active mode.";
    DataUnprotected = "314", "data connections must be protected on this listener", "Send PBSZ 0 and PROT P before transfers: let the client protect data too.";
    DataNotResumed = "315", "the data connection did not resume the control connection's TLS session", "Switch session reuse on in the client, or set data_reuse = \"prefer\" on the listener.";
    DataTruncated = "316", "the data connection ended without TLS's close alert, so the end may be missing", "Send it again with a client that ends TLS properly (close_notify).";
    DataTls = "317", "the TLS handshake of the data connection failed", "See the session's ladder for what the client said.";
    DataSpoilt = "318", "a TLS record on the data connection was not what its sender encrypted", "Something between client and server changes bytes, or the client sent plain bytes; look there, then send it again.";

    // 34x to 37x: bodies and what is made of them
    BodyCut = "340", "the body ended before its own end mark", "Send it again, or the rest of it from the last restart marker.";
    BodyBlock = "341", "the body is not framed as its mode and structure have it", "See that MODE and STRU are the same on both sides (RFC 959 section 3.4).";
    BodyDeflate = "342", "the compressed body is damaged", "Send it again; MODE S sends it as it is.";
    BodyRecord = "343", "a record holds the byte that ends records here (LF)", "Send it with STRU F, or as text (TYPE A or E).";
    BodyPage = "344", "a page header is not as STRU P has it, or pages are missing", "Send all pages in order (RFC 959 section 3.1.2.3), or use STRU F.";
    BodyMarker = "345", "a restart marker is empty, longer than 64 bytes, or not printable", "Use short markers (RFC 959 section 3.5).";
    BodyBeyond = "346", "bytes came behind the end of the body", "Send the next file after the reply to this one.";
    NotAPicture = "347", "that is no picture of a kind that is read here, or it is damaged", "JPEG, PNG, GIF, BMP and WebP are read.";
    PictureTooLarge = "348", "the picture is too large to be made small", "Files of up to 64 MiB and pictures of up to 64 million points are read.";

    // 4xx: what the peer said
    LineTooLong = "401", "the command line is too long", "Lines hold 8192 bytes.";
    BadByte = "402", "the command holds a NUL or a control byte that no name can hold", "Send names as RFC 3659 section 2.2 says.";
    Unknown = "403", "no such command", "HELP lists the commands.";
    Syntax = "404", "the argument is not as the command wants it", "HELP and the command's name show the form.";
    NotNow = "405", "this command does not fit here", "See the reply for what must come first.";
    NotLoggedIn = "406", "log in first", "Send USER and PASS.";
    NotServed = "407", "this command is known but not served", "HELP lists what is served.";
    BadParameter = "408", "that parameter is not served", "See FEAT for what is.";
    TooManyHeld = "409", "too many commands wait behind a transfer", "Wait for replies before sending more.";
    RepliesUnread = "410", "the client read none of the replies for too long", "Read the control connection; limits.stall_seconds sets how long.";

    // 5xx: configuration and start
    Config = "501", "the configuration does not hold together", "The message names file, line and remedy; `carrack check FILE` checks it.";
    Bind = "502", "an address to listen on could not be had", "Another program may have it, or the process may not use ports below 1024.";
    MountGone = "503", "a mount's folder cannot be opened", "Make the folder, or give the server's user the right to enter it.";
    AcmeUnreachable = "504", "the certificate authority (ACME) cannot be reached, or does not answer as it must", "Check acme.directory, name lookup and outgoing connections; it is asked again by itself.";
    AcmeRefused = "505", "the certificate authority (ACME) refuses to issue a certificate", "See what it says; it is asked again by itself, and at once by a reload.";
    AcmeChallenge = "506", "the certificate authority (ACME) could not see that the names lead here", "Let all of acme.names lead to this machine, and its port 80 (http-01) or 443 (tls-alpn-01) reach acme.listen.";
    AcmeState = "507", "what the certificate authority (ACME) gave cannot be kept", "Give the server's user the right to write in acme.state.";

    // 6xx: TLS on the control connection
    TlsHandshake = "601", "the TLS handshake failed", "See the session's ladder for what the other end said.";
    TlsPlain = "602", "bytes that are not TLS came where a handshake was due", "Connect with implicit TLS to a listener with tls = \"implicit\", and with explicit TLS to all others.";
    TlsBehindAuth = "603", "plain text came behind AUTH before the handshake", "Wait for reply 234 before sending anything; somebody on the way may have put it there.";
    TlsCertificateNeeded = "604", "the client showed no certificate, and this listener needs one", "Give the client a certificate, or set client certificates to optional.";
    TlsCertificateRefused = "605", "the client's certificate was not accepted", "See whether it has expired and whether its issuer is among those the listener trusts.";
    TlsDistrusted = "606", "the client does not trust the server's certificate", "Let the client trust its issuer or its fingerprint, or use a certificate that names the host.";
    TlsAlpn = "607", "the client offers no application protocol that is served here", "Let the client offer \"ftp\", or no ALPN at all.";
    TlsVersion = "608", "client and server have no TLS version or cipher suite in common", "Use a client that knows TLS 1.2 or 1.3.";
    TlsTimeout = "609", "the TLS handshake took too long", "See what stops the client or the network.";
    TlsUnavailable = "610", "the server has no certificate to use now", "See the server's log for why the certificate could not be loaded.";
    TlsClearing = "611", "the control connection could not go back to clear", "Let the client end TLS with its close alert after CCC, or not use CCC.";
    TlsKeepsOn = "612", "the control connection may not go back to clear here", "Go on without CCC, or set tls_ccc on the listener.";

    // 7xx: as a client of another server
    Unreachable = "701", "the server cannot be reached", "Check the address and the port, and whether a firewall is in the way.";
    TooSlow = "702", "the server took too long", "Try again, or give that wait a longer limit.";
    NotTheProtocol = "703", "the server does not keep to the protocol", "See the session's ladder for what it said; something else may listen on that port.";
    Disconnected = "704", "the control connection was lost", "Connect again; transfers go on where they stopped.";
    ServerClosing = "705", "the server closed the session", "See what it said; connect again later.";
    TooManyConnections = "706", "the server takes no more connections from here", "Use fewer connections at once, or close other programs that use that server.";
    LoginRefused = "707", "the server refused the login", "Check user and password; the server may also want TLS.";
    AccountNeeded = "708", "the server wants an account besides user and password", "Give the account.";
    NotProtected = "709", "the connection cannot be protected as it must be", "Where the server has no TLS, --no-tls does without: whoever listens on the network can then read all.";
    CertificateDistrusted = "780", "the server's certificate is not trusted", "Somebody may stand between; where it is the right one all the same, --fingerprint with what its owner says, or --ca with its issuer's file, says so.";
    DataNotProtected = "710", "the server does not protect data connections", "Allow data in clear, if that will do.";
    NoRestart = "711", "the server cannot begin within a file", "Transfer the whole file.";
    NoDataConnection = "712", "no data connection with the server could be had", "Mostly a firewall or NAT is between: its log, or --trace, shows which connection it stops; --active and --passive choose one way.";
    TransferCut = "713", "the transfer was cut off", "Transfer the rest.";
    TransferShort = "714", "the server confirmed a transfer whose size is not what it must be", "The file may have changed meanwhile, or the server is wrong: transfer it again.";
    ServerRefused = "715", "the server refused, for a reason of its own", "See what it said.";
    BadUrl = "716", "that is no URL that can be used", "The message names the place; ftp://user@host:port/path is the form.";
    SchemeUnserved = "717", "that kind of URL is known and not yet served", "Use ftp, ftps, ftpes, sftp, scp, tftp, file or a local path.";
    ResumeDiffers = "718", "what is there is not the beginning of what is to be transferred", "Transfer the whole file, not the rest.";
    ListingUnsure = "719", "the server's listing holds names or lines that cannot be used", "Nothing is removed on the word of such a listing; see the session's ladder for the lines.";
    TooMuchToRemove = "720", "more would be removed than was allowed", "Look at the plan, then raise the limit or leave out the removing.";
    SourceChanged = "721", "the file changed while it was copied", "Copy it again when nothing writes to it.";
    ProxyRefused = "730", "the proxy does not connect to the server", "See what the proxy said; its rules may allow other ports only, data connections among them.";
    ProxyLogin = "731", "the proxy wants a login, or another one", "Put user and password into the proxy's URL.";
    NoProxy = "732", "what answers there is no proxy of that kind", "Check the proxy's URL: socks5:// and http:// are spoken differently.";

    // 74x: copies
    PlanOutdated = "740", "what the plan was made for has changed since", "Make the plan anew and look at it again; nothing was changed.";
    PlanUnreadable = "741", "that is no plan that can be applied", "The message names the line; make the plan anew with carrack plan.";
    ChecksumDiffers = "742", "the copy's checksum is not the original's", "Copy it again; if it happens again, the network or a disk is not to be trusted.";
    MessagesDenied = "750", "the user may not send messages to others", "Set messages = true for the user or one of its groups.";
    NoRecipient = "751", "nobody of that name can be sent a message", "Check the name; SITE WHO tells who is here.";
    NotHere = "752", "the user has no session that shows messages", "Send it as mail (MAIL, XSEM), or later.";
    MailboxFull = "753", "too many messages wait for the user", "Try again when some of them were read.";
    MessageTooLarge = "754", "the message is larger than it may be", "Send less; [mail] size says how much mail may be.";
    NoMailbox = "755", "nothing here keeps mail", "Name a mount for it under [mail].";
    HistoricOff = "756", "this listener does not serve the historic mail commands", "Set historic = true on the listener.";
    TooManyRecipients = "757", "a message has as many recipients as it may have", "Send it once more to the others.";
    PasswordMissing = "760", "the login needs a password and nobody can be asked for it", "Give it with --password-file, in CARRACK_PASSWORD, or in ~/.netrc; or run it at a terminal.";
    PasswordUnusable = "761", "the password that was given cannot be used", "The message names where it came from and what is wrong with it.";
    BadBookmark = "762", "the bookmark cannot be used", "The message says which one and why; `carrack bookmark list` shows all.";
    BadLine = "763", "the line cannot be understood", "The message says what is missing; `help COMMAND` shows how a command is typed.";
    LinkLeadsOut = "764", "a link on the server leads out of what is copied", "Copy what it leads to with --copy-links, or leave links out.";
    NoKeyring = "765", "no keyring takes the password", "Keep it in ~/.netrc or in a file for --password-file; or run it where a desktop's keyring is open.";

    // 83x and 84x: SFTP and SCP
    PacketTooLong = "830", "an SFTP packet is longer than may be", "Packets hold 262144 bytes; let the client ask limits@openssh.com, or set its buffer to 32 KiB.";
    PacketBroken = "831", "an SFTP packet does not hold what its kind must hold", "This is a fault of the program at the other end: use another one, and see the session's ladder.";
    SftpVersion = "832", "the other end does not speak version 3 of SFTP", "Use a program that does; all in use today do.";
    NotInitialized = "833", "SFTP begins with INIT, once, and nothing else", "Use an SFTP client on the subsystem sftp.";
    HandleUnknown = "834", "there is no such handle, or it was closed", "Open the file again.";
    TooManyHandles = "835", "this session has as many files and folders open as it may have", "Close some; limits@openssh.com tells how many there may be.";
    HandleMode = "836", "the handle was not opened for that", "Open the file for reading or writing, or the folder for listing.";
    OperationUnknown = "837", "that request or extension of SFTP is not served", "VERSION names the extensions that are.";
    DigestUnknown = "838", "none of the digests asked for is served", "Ask for sha256, sha512, sha1 or md5.";
    RequestsUnanswered = "839", "more is asked than is read", "Read the answers before asking for more.";
    RequestArgument = "840", "that request is served, but not with these arguments", "OPEN makes and empties only what it opens for writing; digests are of blocks of 256 bytes at least; a copy does not overlap itself.";
    NotALink = "841", "that is no symbolic link", "Name a link.";

    // 85x: SSH
    KeyRefused = "850", "no key that was shown lets this user in", "Add the public key to the user's keys or authorized_keys, and see from=, expiry-time and the certificate's names.";
    KeyNotEnough = "851", "the key fits, and a password is wanted besides", "Let the client try publickey first and then password or keyboard-interactive.";
    SshProtocol = "852", "the client does not keep to the SSH protocol", "See the session's ladder; something else may have called this port.";
    SshNegotiation = "853", "client and server have no SSH algorithm in common", "Use a client that knows curve25519 or ML-KEM, and AES-GCM or ChaCha20-Poly1305.";
    SshNothingServed = "855", "neither a shell nor forwarding is served here, only file transfer", "Use sftp, scp or sshfs.";
    SshChannels = "856", "this connection has as many channels open as it may have", "Close one, or raise the listener's channels_max.";
    SshStartups = "857", "too many connections are not logged in yet", "Try again in a moment, or raise the listener's startups_max.";
    SshHostKey = "859", "a host key cannot be used", "Give a private key in OpenSSH or PEM form that the server's user alone may read, or let Carrack make one.";
    // 80x to 82x: TFTP
    TftpNoAnswer = "801", "nobody answered over TFTP", "Check address, port and firewall (UDP); through NAT only a server answers that keeps to one port (ports = \"single\").";
    TftpBare = "802", "TFTP moves whole files by their name, and does nothing else", "Name the file; use another protocol to list, rename or remove.";
    TftpNoUploads = "803", "this TFTP listener takes no uploads", "Set its uploads to \"new\", \"replace\" or \"versions\", and let [anonymous] write there.";
    TftpRule = "804", "a rule of the TFTP listener refuses that name", "See its [[listener.rewrite]]; `carrack tftp map NAME --from ADDR` shows which rule it is.";
    TftpQuirk = "805", "the client has ways of its own, which the server knows", "Nothing is wrong; docs/tftp-clients.md says what they are.";
    ScpCommand = "842", "that command is not served", "Use the subsystem sftp, or scp with one path; there is no shell here.";
    ScpMessage = "843", "the other end of scp says what the protocol does not have", "Use another program, or SFTP: scp without -O.";
    ScpName = "844", "the other end of scp names a file that may not be: empty, a dot, or with a slash", "Do not copy with that program or from that server.";
    ScpFolder = "845", "folders are copied only with -r", "Say scp -r.";
    ScpWarned = "846", "the other end of scp could not do all of it", "See what it said.";
    NotInCharset = "733", "the name cannot be written in the server's charset", "Rename the file, or name the charset that the server uses.";
    ServerFault = "736", "the server failed at it, for a reason of its own", "See what it said; try again later, and if it stays so, tell whoever runs the server.";
    NoCharset = "734", "that is no charset that names can be written in", "Use utf-8, latin1, cp1252, cp437, koi8-r, shift_jis or another name of that kind.";
    HostKeyUnknown = "847", "the server's host key is not known", "Compare the fingerprint with the server's own, and add the key to ~/.ssh/known_hosts.";
    HostKeyChanged = "848", "the server's host key is not the one it had before", "Somebody may sit between. If the server has a new key indeed, remove the old one: ssh-keygen -R HOST.";
    SshFailed = "849", "SSH cannot go on", "See what is said: a key that cannot be read, or another end that wants algorithms that are no longer safe.";
    HostKeyRevoked = "880", "the server's host key, or the authority of its certificate, was revoked", "Do not connect. The line that is named says so; whoever keeps the server knows its new key.";
    HostCertificate = "881", "the server's host certificate does not hold", "See why: the authority must stand in known_hosts (@cert-authority), and the certificate must name this host and be valid today.";
    JumpFailed = "882", "a host on the way does not connect any further", "Check the server's name and port as that host sees them, and whether it may forward connections (AllowTcpForwarding).";
    NoSftp = "860", "the server has no SFTP", "Let it serve the subsystem sftp; -O copies by the old protocol of scp.";
    ProxyCommand = "861", "the ProxyCommand of ~/.ssh/config brings no connection", "Run the command by hand, with the server's name and port in it: it must speak with the server on its standard input and output.";
    ScpUnasked = "862", "the server's scp sends what nobody asked for", "Do not copy from that server: it, or somebody between, is up to something.";
    ScpBare = "863", "the old protocol of scp copies, lists and makes folders, and does nothing else", "Use SFTP (without -O) to rename, remove or change.";
    ScpSize = "864", "the old protocol of scp wants to know a file's size before its first byte", "Send a file and not a pipe, or use SFTP (without -O).";
    SshSilent = "870", "the server says nothing more, though its connection stands", "See what keeps the server busy, a disk that hangs perhaps; --timeout SECONDS waits longer.";
    ScpAbsent = "865", "the server has no scp that answers", "Install scp there, or see what its shell says to a command.";
    TokenCoding = "950", "that is no base64", "Send tokens as RFC 4648 section 4 writes them, with the padding.";
    TokenRefused = "951", "the security token does not hold", "Get a fresh ticket (kinit) for this server's name, and see that the clocks agree; the server's log says what the mechanism found.";
    CommandUnprotected = "952", "commands must be protected after a security exchange", "Send them with MIC, CONF or ENC, those with secrets not with MIC; CCC ends that where it is allowed.";
    ExchangeRefused = "953", "too many security exchanges were begun", "Connect again with a ticket that holds.";
    PrincipalRefused = "954", "that principal may not log in as this user", "Add it to the user's principals, or its realm to [kerberos] realms.";
    DataUnsealed = "955", "what came over the data connection is not protected as PROT said", "See that both ends have the same PROT; something on the way may have changed it.";
    KerberosAbsent = "956", "this build of Carrack has no Kerberos", "Build with --features gssapi (needs libkrb5-dev and libclang-dev).";
    KeytabUnreadable = "957", "the keytab cannot be used", "Give `keytab` of [kerberos] a file that the server's user may read, with a key of ftp/HOST or host/HOST (kadmin ktadd).";
    NoExchange = "735", "the two servers cannot exchange a file between themselves", "Let it pass through this machine; servers often refuse connections to others.";
}

impl Reason {
    /// The reason with this code (`CRK-201`, or `201` alone), in either case.
    pub fn by_code(code: &str) -> Option<Self> {
        let digits = code
            .trim()
            .get(..4)
            .filter(|p| p.eq_ignore_ascii_case("CRK-"))
            .map_or(code.trim(), |_| code.trim().get(4..).unwrap_or(""));
        Self::ALL.iter().copied().find(|r| r.code().strip_prefix("CRK-") == Some(digits))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.cause())
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_found_again() {
        let mut seen = HashSet::new();
        for &r in Reason::ALL {
            assert!(seen.insert(r.code()), "{} twice", r.code());
            assert_eq!(Reason::by_code(r.code()), Some(r));
            assert!(!r.cause().ends_with('.') && r.remedy().len() > 5, "{}", r.code());
        }
        assert_eq!(Reason::by_code("crk-201"), Some(Reason::NotFound));
        assert_eq!(Reason::by_code("201"), Some(Reason::NotFound));
        assert_eq!(Reason::by_code("nonsense"), None);
    }
}
