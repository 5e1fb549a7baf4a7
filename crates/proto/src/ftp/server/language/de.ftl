# Replies in German. What a text is filled with bears the name that it has in en.ftl.

## Welcome and account

ready = Carrack ist bereit.
ready-again = Bereit für einen neuen Benutzer.
good-bye = Auf Wiedersehen.
password-please = Bitte das Passwort.
anonymous-password = Anonymer Zugang, falls hier erlaubt: bitte die E-Mail-Adresse als Passwort senden.
welcome = Willkommen, { $user }.
account-needed = Welches Konto belastet wird, sagt ACCT.
account-not-needed = Hier ist kein Konto nötig.
user-first = Zuerst USER senden ({ $code }).
logged-in-already = Schon angemeldet ({ $code }).
user-pass-first = Bitte zuerst USER und PASS ({ $code }).
log-in-first = Bitte zuerst anmelden ({ $code }).
auth-tls-first = Bitte zuerst AUTH TLS senden.
prot-p-first = Bitte zuerst PROT P senden.
host-before-user = HOST kommt vor USER ({ $code }).
rein-auth-tls-first = Bitte zuerst REIN und AUTH TLS senden.
send-auth-gssapi-first = Bitte zuerst AUTH GSSAPI senden.
rein-auth-gssapi-first = Bitte zuerst REIN und AUTH GSSAPI senden.

## Commands

here = Hier.
noted = Notiert.
no-such-command = Diesen Befehl gibt es nicht ({ $code }).
no-options = Dieser Befehl hat keine Optionen ({ $code }).
help-commands = Befehle (* nicht bedient):
site-commands = SITE-Befehle:
help-more = HELP und der Name eines Befehls erklärt ihn; mehr mit SITE HELP.
picture-size = Erwartet: Breite und Höhe von 1 bis { $side } ({ $code }).
expected-ended = Erwartet: { $form } ({ $code }).
expected = Erwartet: { $form } ({ $code })

## Protection

data-protected = Datenverbindungen sind geschützt.
data-in-clear = Datenverbindungen sind ungeschützt.
begin-tls = TLS kann beginnen.
pbsz-first = Zuerst kommt PBSZ ({ $code }).
no-tls = Hier gibt es kein TLS ({ $code }).
mechanisms = Bedient werden TLS und GSSAPI ({ $code }).
mechanism-gssapi = Bedient wird GSSAPI ({ $code }).
mechanism-tls = Bedient wird TLS ({ $code }).
protected-already = Die Verbindung ist schon geschützt ({ $code }).
clear-until-rein = Nach CCC bleibt die Verbindung bis REIN im Klartext ({ $code }).
protection-stays = Nach CCC bleibt der Schutz der Daten, wie er ist ({ $code }).
auth-first = AUTH kommt zuerst ({ $code }).
auth-gssapi-first = AUTH GSSAPI kommt zuerst ({ $code }).
adat-first = AUTH GSSAPI und ADAT kommen zuerst, und nur einmal um einen Befehl ({ $code }).
send-adat = Bitte ADAT senden.
exchange-done = Der Sicherheitsaustausch ist beendet.
buffers-least = Puffer fassen mindestens { $bytes } Bytes ({ $code }).
tls-levels = TLS schützt ganz (P) oder gar nicht (C) ({ $code }).
levels-two = Die Stufen sind C und P ({ $code }).
levels-four = Die Stufen sind C, S, E und P ({ $code }).
not-protected = Die Verbindung ist nicht geschützt ({ $code }).
ccc-after-login = CCC kommt nach der Anmeldung ({ $code }).
control-in-clear = Die Steuerverbindung geht im Klartext weiter.
data-safe = Datenverbindungen sind vor Änderungen geschützt.

## Data connections

only-epsv = Ab jetzt nur noch EPSV.
understood = { $verb } verstanden.
passive-first = Zuerst EPSV oder PASV senden ({ $code }).
pasv-ipv4 = PASV ist für IPv4: bitte EPSV ({ $code }).
no-ipv4 = Es gibt keine IPv4-Adresse zu nennen: bitte EPSV ({ $code }).
spdt-first = SPDT ist der erste Befehl einer Verbindung ({ $code }).
key-unknown = Diesen Schlüssel hat niemand ausgegeben ({ $code }).
family-coded = Bitte die Adressfamilie der Steuerverbindung ({ $family }) ({ $code }).
family = Bitte die Adressfamilie der Steuerverbindung ({ $family }).

## Representation

names-utf8 = Namen sind UTF-8.
type-image = Der Typ ist Image: Bytes, wie sie sind.
structure-file = Die Struktur ist Datei.
mode-stream = Der Modus ist Strom.
mode-block = Der Modus ist Block.
mode-compressed = Der Modus ist komprimiert.
mode-deflate = Der Modus ist Deflate.
eight-bits = Bytes haben hier 8 Bits: TYPE L 8.
structure-record = Struktur ist Satz: ein Satz ist eine Zeile.
structure-page = Struktur ist Seite.
bodies = In MODE B folgt jedem Befehl, der speichert, sein Inhalt.
names-always-utf8 = Namen sind immer UTF-8 ({ $code }).
pictures = JPEG und PNG schon.
type-ascii = Der Typ ist ASCII.
type-ebcdic = Typ ist EBCDIC, Codepage { $page }.
type-ascii-controls = Typ ist ASCII{ $controls }.

## Transfers

no-transfer = Es läuft keine Übertragung.
abor-done = ABOR ausgeführt.
range-all = Die nächste Übertragung umfasst alle Bytes.
range = Die nächste Übertragung umfasst die Bytes { $first } bis { $last }.
starts-at = Die nächste Übertragung beginnt bei Byte { $first }.
under-way = Es läuft; ABOR hält es an.
no-restart = Mit diesem STRU und MODE lässt sich nichts fortsetzen ({ $code }).
rang-image = RANG mit RETR braucht TYPE I und STRU F ({ $code }).
rang-no-upload = RANG ist für RETR und Prüfsummen: REST sagt, wo ein Hochladen weitergeht ({ $code }).
rest-image = REST mit STOR braucht TYPE I und STRU F, oder MODE B ({ $code }).
would-fit =
    { $bytes ->
        [one] Ein Byte hat
       *[other] { $bytes } Bytes haben
    } Platz.
had-moved =
    { $bytes ->
        [one] Ein Byte war
       *[other] { $bytes } Bytes waren
    } übertragen.
removed-entries =
    Gelöscht, insgesamt { $entries ->
        [one] ein Eintrag
       *[other] { $entries } Einträge
    }.
entries-so-far =
    Bisher { $entries ->
        [one] ein Eintrag
       *[other] { $entries } Einträge
    }.
no-further = Nicht weiter.
size-stru-f = SIZE ist für STRU F ({ $code }).
size-type-i = In TYPE A werden nur Dateien bis { $bytes } Bytes gezählt: bitte TYPE I ({ $code }).
suspect = Der Absender nannte einen Teil davon verdächtig.
picture-of = Öffne die Datenverbindung ({ $kind }) für ein Bild von { $path }.
opening-sized = Öffne { $kind }-Datenverbindung für { $path } ({ $bytes } bytes).
opening-listing = Öffne Datenverbindung für eine Auflistung von { $path }.
opening = Öffne { $kind }-Datenverbindung für { $path }.
using-listing = Die offene Datenverbindung dient einer Auflistung von { $path }.
using = Die offene Datenverbindung dient für { $path }.
done-rate =
    Fertig: { $bytes } { $bytes ->
        [one] Byte
       *[other] Bytes
    } in { $seconds } s ({ $rate } MiB/s).
done =
    Fertig: { $bytes } { $bytes ->
        [one] Byte
       *[other] Bytes
    }.
stored-rate =
    { $path } gespeichert: { $bytes } { $bytes ->
        [one] Byte
       *[other] Bytes
    } in { $seconds } s ({ $rate } MiB/s).
stored =
    { $path } gespeichert: { $bytes } { $bytes ->
        [one] Byte
       *[other] Bytes
    }.

## Files and folders

link-made = Verknüpfung angelegt.
removed = Gelöscht.
renamed = Umbenannt.
mount-is-root = Der Mount ist jetzt die Wurzel.
rename-from = Es ist da. Nun RNTO und der neue Name.
copy-from = Bereit: SITE CPTO nennt die Kopie.
copied = { $bytes } Bytes kopiert nach { $path }.
holds = { $path } enthält { $bytes } Bytes.
working-directory = "{ $path }" ist das Arbeitsverzeichnis.
created = "{ $path }" angelegt.
rnfr-first = RNFR kommt unmittelbar vor RNTO ({ $code }).
cpfr-first = Zuerst kommt SITE CPFR ({ $code }).

## Lists of lines

status-of = Zustand von { $path }:
facts-of = Angaben zu { $path }:
end = Ende.
end-cut = Ende, abgebrochen: { $cause }.
state-of-session = Zustand der Sitzung:
connected-from = Verbunden von { $address }
connected-to = Verbunden mit { $address }
logged-in-as = Angemeldet als { $user }
virtual-host = Virtueller Host { $host }
ticket-of = Das Ticket gehört { $user }
client-says = Der Client nennt sich { $client }
starts-at-line = Die nächste Übertragung beginnt bei Byte { $first }
closed-after-line = Geschlossen nach { $seconds } s Stille
closed-after = Geschlossen nach { $seconds } s Stille.
closed-after-at-most = Geschlossen nach { $seconds } s Stille; höchstens { $most } s.
so-far =
    { $what }: bisher { $bytes ->
        [one] ein Byte
       *[other] { $bytes } Bytes
    }.
transfer-ended =
    Die Übertragung ist beendet: { $bytes ->
        [one] ein Byte
       *[other] { $bytes } Bytes
    }.
data-default = Daten: an den Port der Steuerverbindung
data-control-port = Daten: erwartet auf dem Steuerport
data-open = Daten: die Verbindung ist offen
data-none = Daten: keine vorbereitet
both-clear = Diese Verbindung ist im Klartext, Datenverbindungen sind im Klartext
clear-and-protected = Diese Verbindung ist im Klartext, Datenverbindungen sind durch { $mechanism } geschützt
protected-and-clear = Diese Verbindung ist durch { $mechanism } geschützt, Datenverbindungen sind im Klartext
both-protected = Diese Verbindung ist durch { $mechanism } geschützt, Datenverbindungen sind durch { $other } geschützt
not-logged-in = Nicht angemeldet
no-transfer-line = Es läuft keine Übertragung
data-to = Daten: an { $address }
data-awaited = Daten: erwartet auf { $address }

## SITE

mode-bits = Die Rechte sind { $bits }.
umask = Die Umask ist { $bits }.
quota-of = { $free } von { $bytes } Bytes sind frei.
quota-free =
    { $bytes ->
        [one] Ein Byte ist
       *[other] { $bytes } Bytes sind
    } frei.
quota-none = Es gibt keine Grenze.
usage =
    { $bytes ->
        [one] Ein Byte
       *[other] { $bytes } Bytes
    } in { $files ->
        [one] einer Datei
       *[other] { $files } Dateien
    } und { $folders ->
        [one] einem Ordner
       *[other] { $folders } Ordnern
    }.
who-is-here = Wer da ist:
in-all = insgesamt { $sessions }

## Mail and messages

text-please = Bitte den Text; eine Zeile aus nur einem Punkt beendet ihn.
text-kept = Der Text ist aufbewahrt; bitte die Empfänger nennen.
kept-as-mail = { $user }: als Post aufbewahrt.
recipients-please = Bitte zuerst die Empfänger nennen ({ $code }).
no-scheme = Kein Schema.
schemes = R Empfänger zuerst; T gibt es auch.
recipients-first = Zuerst die Empfänger, dann der Text.
text-first = Zuerst der Text, dann die Empfänger.
scheme-please = Bitte zuerst ein Schema wählen: R oder T ({ $code }).
send-text-first = Bitte zuerst den Text ({ $code }).
reached-of = { $reached } von { $recipients } erreicht.
sent-session-kept = { $user }: an eine Sitzung gesendet und als Post aufbewahrt.
sent-sessions-kept = { $user }: an { $sessions } Sitzungen gesendet und als Post aufbewahrt.
sent-session = { $user }: an eine Sitzung gesendet.
sent-sessions = { $user }: an { $sessions } Sitzungen gesendet.

## Why something was refused; the English stands with the reason

CRK-101 = Benutzername oder Passwort ist falsch
CRK-102 = die Adresse ist nach zu vielen fehlgeschlagenen Anmeldungen gesperrt
CRK-103 = hier werden von anderen Rechnern keine Passwörter im Klartext angenommen
CRK-104 = der Server hat so viele Sitzungen, wie er haben darf
CRK-105 = diese Adresse hat so viele Sitzungen, wie sie haben darf
CRK-106 = dieser Benutzer hat so viele Sitzungen, wie er haben darf
CRK-107 = zu viele fehlgeschlagene Anmeldungen auf dieser Verbindung
CRK-108 = der Benutzer wurde gesperrt oder entfernt
CRK-109 = diese Adresse darf sich hier nicht verbinden, oder nicht als dieser Benutzer
CRK-110 = einen virtuellen Host dieses Namens gibt es nicht
CRK-111 = der Server fährt herunter
CRK-112 = zu lange wurde nichts gesagt oder übertragen
CRK-113 = niemand hat sich in der gegebenen Zeit angemeldet
CRK-114 = der Verwalter hat die Sitzung beendet
CRK-115 = der Server hat keine Deskriptoren oder keinen Speicher für eine weitere Sitzung
CRK-116 = der Benutzer hat kein Konto dieses Namens
CRK-117 = Anmeldungen müssen hier geschützt sein
CRK-201 = Datei oder Ordner gibt es nicht
CRK-202 = der Name ist schon vergeben
CRK-203 = das oder ein Teil des Pfades ist kein Ordner
CRK-204 = das ist ein Ordner und keine Datei
CRK-205 = der Ordner ist nicht leer
CRK-206 = das ist weder Datei noch Ordner
CRK-207 = eine Verknüpfung führt aus dem Baum hinaus
CRK-208 = symbolische Verweise führen im Kreis
CRK-209 = der Name ist zu lang
CRK-210 = der Name geht hier nicht
CRK-211 = die Rechte des Benutzers erlauben das hier nicht
CRK-212 = der Speicher hat es dem Server verweigert
CRK-213 = hier kann nur gelesen werden
CRK-214 = der Speicher ist voll
CRK-215 = das Kontingent des Benutzers ist aufgebraucht
CRK-216 = die Datei ist größer, als dieser Benutzer speichern darf
CRK-217 = die Datei wird so benutzt, dass dies nicht geht
CRK-218 = dieser Speicher kann das nicht
CRK-219 = die Namen liegen auf verschiedenen Mounts
CRK-220 = der Speicher hat versagt
CRK-221 = der Anfang liegt hinter dem Ende
CRK-222 = dieser Benutzer hat so viele Übertragungen, wie er haben darf
CRK-223 = die Übertragung endete vor der angekündigten Zahl von Bytes
CRK-224 = es sind mehr Einträge, als eine Antwort fassen darf
CRK-225 = abgebrochen
CRK-226 = diesen Mount gibt es für den Benutzer nicht
CRK-227 = das ist ein Mount-Punkt
CRK-228 = das Prüfprotokoll nimmt keinen Eintrag mehr auf
CRK-229 = die Datei wurde während der Übertragung kürzer
CRK-230 = die Übertragungspuffer des Servers waren zu lange alle in Gebrauch
CRK-301 = der Client hat die Datenverbindung nie aufgebaut
CRK-302 = der Client hat die Datenverbindung abgelehnt
CRK-303 = die Adresse des Clients ist von hier nicht erreichbar
CRK-304 = die Adresse ist nicht die der Steuerverbindung
CRK-305 = zu lange kam kein Byte über die Datenverbindung
CRK-306 = der Client hat die Datenverbindung abgebrochen
CRK-307 = für diese Adresse ist kein passiver Port frei
CRK-308 = eine Datenverbindung zu einem Port unter 1024 wird abgelehnt
CRK-309 = nach EPSV ALL darf nur EPSV Datenverbindungen vorbereiten
CRK-310 = diese Adressfamilie ist nicht die der Steuerverbindung
CRK-311 = einem Client von außen wurde eine private Adresse genannt
CRK-312 = der aktive Modus ist hier ausgeschaltet
CRK-313 = der passive Modus ist hier ausgeschaltet
CRK-314 = Datenverbindungen müssen hier geschützt sein
CRK-315 = die Datenverbindung hat die TLS-Sitzung der Steuerverbindung nicht fortgesetzt
CRK-316 = die Datenverbindung endete ohne TLS-Abschluss, das Ende kann also fehlen
CRK-317 = der TLS-Handschlag der Datenverbindung ist gescheitert
CRK-318 = ein TLS-Satz auf der Datenverbindung war nicht, was sein Absender verschlüsselt hat
CRK-340 = der Inhalt endete vor seiner eigenen Endmarke
CRK-341 = der Inhalt ist nicht so gerahmt, wie Modus und Struktur es verlangen
CRK-342 = der komprimierte Inhalt ist beschädigt
CRK-343 = ein Satz enthält das Byte, das hier Sätze beendet (LF)
CRK-344 = ein Seitenkopf ist nicht, wie STRU P ihn verlangt, oder es fehlen Seiten
CRK-345 = eine Fortsetzungsmarke ist leer, länger als 64 Bytes oder nicht druckbar
CRK-346 = hinter dem Ende des Inhalts kamen noch Bytes
CRK-347 = das ist kein Bild einer Art, die hier gelesen wird, oder es ist beschädigt
CRK-348 = das Bild ist zu groß, um verkleinert zu werden
CRK-401 = die Befehlszeile ist zu lang
CRK-402 = der Befehl enthält ein NUL oder ein Steuerzeichen, das in keinem Namen stehen darf
CRK-403 = diesen Befehl gibt es nicht
CRK-404 = das Argument ist nicht, wie der Befehl es will
CRK-405 = dieser Befehl passt hier nicht
CRK-406 = bitte erst anmelden
CRK-407 = dieser Befehl ist bekannt, wird aber nicht bedient
CRK-408 = dieser Parameter wird nicht bedient
CRK-409 = hinter einer Übertragung warten zu viele Befehle
CRK-410 = der Client hat zu lange keine Antwort gelesen
CRK-603 = Klartext kam hinter AUTH vor dem Handschlag
CRK-610 = der Server hat gerade kein Zertifikat, das er zeigen könnte
CRK-611 = die Steuerverbindung konnte nicht in den Klartext zurück
CRK-612 = die Steuerverbindung darf hier nicht in den Klartext zurück
CRK-750 = der Benutzer darf anderen keine Nachrichten senden
CRK-751 = niemandem dieses Namens kann eine Nachricht gesendet werden
CRK-752 = der Benutzer hat keine Sitzung, die Nachrichten zeigt
CRK-753 = auf den Benutzer warten zu viele Nachrichten
CRK-754 = die Nachricht ist größer, als sie sein darf
CRK-755 = hier bewahrt nichts Post auf
CRK-756 = die alten Postbefehle werden hier nicht bedient
CRK-757 = eine Nachricht hat so viele Empfänger, wie sie haben darf
CRK-950 = das ist kein Base64
CRK-951 = das Sicherheits-Token ist nicht gültig
CRK-952 = nach einem Sicherheitsaustausch müssen Befehle geschützt sein
CRK-953 = es wurden zu viele Sicherheitsaustausche begonnen
CRK-954 = dieser Prinzipal darf sich nicht als dieser Benutzer anmelden
CRK-955 = was über die Datenverbindung kam, ist nicht geschützt, wie PROT es sagte
