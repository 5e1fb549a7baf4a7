# The texts of replies as the program writes them, each with its name and what it is filled with. Not shown from here:
# a reply is known again by its text, so these must be equal to what stands in the code. A special text stands before a
# general one.

## Welcome and account

ready = Carrack is ready.
ready-again = Ready for a new user.
good-bye = Good-bye.
password-please = Password, please.
anonymous-password = Anonymous access, if it is allowed here: send your e-mail address as the password.
welcome = Welcome, { $user }.
account-needed = Name the account to charge: ACCT.
account-not-needed = No account is needed here.
user-first = Send USER first ({ $code }).
logged-in-already = You are logged in already ({ $code }).
user-pass-first = Send USER and PASS first ({ $code }).
log-in-first = Log in first ({ $code }).
auth-tls-first = Send AUTH TLS first.
prot-p-first = Send PROT P first.
host-before-user = HOST comes before USER ({ $code }).
rein-auth-tls-first = Send REIN and AUTH TLS first.
send-auth-gssapi-first = Send AUTH GSSAPI first.
rein-auth-gssapi-first = Send REIN and AUTH GSSAPI first.

## Commands

here = Here.
noted = Noted.
no-such-command = No such command ({ $code }).
no-options = That command has no options ({ $code }).
help-commands = Commands (* not served):
site-commands = SITE commands:
help-more = HELP and a command's name explains it; SITE HELP has more.
picture-size = Expected: width and height from 1 to { $side } ({ $code }).
expected-ended = Expected: { $form } ({ $code }).
expected = Expected: { $form } ({ $code })

## Protection

data-protected = Data connections are protected.
data-in-clear = Data connections are in clear.
begin-tls = Begin TLS.
pbsz-first = PBSZ comes first ({ $code }).
no-tls = This listener has no TLS ({ $code }).
mechanisms = The mechanisms served are TLS and GSSAPI ({ $code }).
mechanism-gssapi = The mechanism served is GSSAPI ({ $code }).
mechanism-tls = The mechanism served is TLS ({ $code }).
protected-already = The connection is protected already ({ $code }).
clear-until-rein = After CCC the connection stays in clear until REIN ({ $code }).
protection-stays = After CCC the protection of data stays as it is ({ $code }).
auth-first = AUTH comes first ({ $code }).
auth-gssapi-first = AUTH GSSAPI comes first ({ $code }).
adat-first = AUTH GSSAPI and ADAT come first, and only once around a command ({ $code }).
send-adat = Send ADAT.
exchange-done = The security exchange is done.
buffers-least = Buffers hold at least { $bytes } bytes ({ $code }).
tls-levels = TLS protects wholly (P) or not at all (C) ({ $code }).
levels-two = The levels are C and P ({ $code }).
levels-four = The levels are C, S, E and P ({ $code }).
not-protected = The connection is not protected ({ $code }).
ccc-after-login = CCC comes after the login ({ $code }).
control-in-clear = The control connection goes on in clear.
data-safe = Data connections are safe from changes.

## Data connections

only-epsv = Only EPSV from now on.
understood = { $verb } understood.
passive-first = Send EPSV or PASV first ({ $code }).
pasv-ipv4 = PASV is for IPv4: use EPSV ({ $code }).
no-ipv4 = No IPv4 address to announce: use EPSV ({ $code }).
spdt-first = SPDT is the first command of a connection ({ $code }).
key-unknown = Nobody gave out that key ({ $code }).
family-coded = Use the control connection's family ({ $family }) ({ $code }).
family = Use the control connection's family ({ $family }).

## Representation

names-utf8 = Names are UTF-8.
type-image = Type is image: bytes as they are.
structure-file = Structure is file.
mode-stream = Mode is stream.
mode-block = Mode is block.
mode-compressed = Mode is compressed.
mode-deflate = Mode is deflate.
eight-bits = Bytes have 8 bits here: TYPE L 8.
structure-record = Structure is record: a record is a line.
structure-page = Structure is page.
bodies = In MODE B a body follows each command that stores.
names-always-utf8 = Names are always UTF-8 ({ $code }).
pictures = JPEG and PNG are.
type-ascii = Type is ASCII.
type-ebcdic = Type is EBCDIC, code page { $page }.
type-ascii-controls = Type is ASCII{ $controls }.

## Transfers

no-transfer = No transfer is running.
abor-done = ABOR done.
range-all = The next transfer is of all bytes.
range = The next transfer is of bytes { $first } to { $last }.
starts-at = The next transfer starts at byte { $first }.
under-way = Under way; ABOR stops it.
no-restart = Nothing can be restarted with this STRU and MODE ({ $code }).
rang-image = RANG with RETR needs TYPE I and STRU F ({ $code }).
rang-no-upload = RANG is for RETR and for digests: REST says where an upload goes on ({ $code }).
rest-image = REST with STOR needs TYPE I and STRU F, or MODE B ({ $code }).
would-fit = { $bytes } bytes would fit.
had-moved = { $bytes } bytes had moved.
removed-entries = Removed, { $entries } entries in all.
entries-so-far = { $entries } entries so far.
no-further = No further.
size-stru-f = SIZE is for STRU F ({ $code }).
size-type-i = In TYPE A only files of up to { $bytes } bytes are counted: use TYPE I ({ $code }).
suspect = The sender called a part of it suspect.
picture-of = Opening { $kind } data connection for a picture of { $path }.
opening-sized = Opening { $kind } data connection for { $path } ({ $bytes } bytes).
opening-listing = Opening data connection for a listing of { $path }.
opening = Opening { $kind } data connection for { $path }.
using-listing = Using the open data connection for a listing of { $path }.
using = Using the open data connection for { $path }.
done-rate = Done: { $bytes } bytes in { $seconds } s ({ $rate } MiB/s).
done = Done: { $bytes } bytes.
stored-rate = Stored { $path }: { $bytes } bytes in { $seconds } s ({ $rate } MiB/s).
stored = Stored { $path }: { $bytes } bytes.

## Files and folders

link-made = Link made.
removed = Removed.
renamed = Renamed.
mount-is-root = The mount is the root now.
rename-from = It is there. Now RNTO and its new name.
copy-from = Ready: SITE CPTO names the copy.
copied = Copied { $bytes } bytes to { $path }.
holds = { $path } holds { $bytes } bytes.
working-directory = "{ $path }" is the working directory.
created = "{ $path }" created.
rnfr-first = RNFR comes right before RNTO ({ $code }).
cpfr-first = SITE CPFR comes first ({ $code }).

## Lists of lines

status-of = Status of { $path }:
facts-of = Facts of { $path }:
end = End.
end-cut = End, cut short: { $cause }.
state-of-session = State of the session:
connected-from = Connected from { $address }
connected-to = Connected to { $address }
logged-in-as = Logged in as { $user }
virtual-host = Virtual host { $host }
ticket-of = The ticket is of { $user }
client-says = The client says it is { $client }
starts-at-line = The next transfer starts at byte { $first }
closed-after-line = Closed after { $seconds } s of silence
closed-after = Closed after { $seconds } s of silence.
closed-after-at-most = Closed after { $seconds } s of silence; at most { $most } s.
so-far = { $what }: { $bytes } bytes so far.
transfer-ended = The transfer has ended: { $bytes } bytes.
data-default = Data: to the control connection's port
data-control-port = Data: awaited on the control port
data-open = Data: the connection is open
data-none = Data: none set up
both-clear = This connection is in clear, data connections are in clear
clear-and-protected = This connection is in clear, data connections are protected by { $mechanism }
protected-and-clear = This connection is protected by { $mechanism }, data connections are in clear
both-protected = This connection is protected by { $mechanism }, data connections are protected by { $other }
not-logged-in = Not logged in
no-transfer-line = No transfer is running
data-to = Data: to { $address }
data-awaited = Data: awaited at { $address }

## SITE

mode-bits = Mode is { $bits }.
umask = Umask is { $bits }.
quota-of = { $free } bytes of { $bytes } are free.
quota-free = { $bytes } bytes are free.
quota-none = There is no limit.
usage = { $bytes } bytes in { $files } files and { $folders } folders.
who-is-here = Who is here:
in-all = { $sessions } in all

## Mail and messages

text-please = Send the text; a line that is only a dot ends it.
text-kept = The text is kept; name its recipients.
kept-as-mail = { $user }: kept as mail.
recipients-please = Name the recipients first ({ $code }).
no-scheme = No scheme.
schemes = R Recipients first; T is served as well.
recipients-first = Recipients first, then the text.
text-first = The text first, then recipients.
scheme-please = Choose a scheme first: R or T ({ $code }).
send-text-first = Send the text first ({ $code }).
reached-of = { $reached } of { $recipients } reached.
sent-session-kept = { $user }: sent to 1 session and kept as mail.
sent-sessions-kept = { $user }: sent to { $sessions } sessions and kept as mail.
sent-session = { $user }: sent to 1 session.
sent-sessions = { $user }: sent to { $sessions } sessions.
