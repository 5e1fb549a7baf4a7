# Replies in French. What a text is filled with bears the name that it has in en.ftl.

## Welcome and account

ready = Carrack est prêt.
ready-again = Prêt pour un nouvel utilisateur.
good-bye = Au revoir.
password-please = Mot de passe, s'il vous plaît.
anonymous-password = Accès anonyme, s'il est permis ici : envoyez votre adresse électronique comme mot de passe.
welcome = Bienvenue, { $user }.
account-needed = Indiquez le compte avec ACCT.
account-not-needed = Aucun compte n'est nécessaire ici.
user-first = Envoyez d'abord USER ({ $code }).
logged-in-already = Vous êtes déjà connecté ({ $code }).
user-pass-first = Envoyez d'abord USER et PASS ({ $code }).
log-in-first = Connectez-vous d'abord ({ $code }).
auth-tls-first = Envoyez d'abord AUTH TLS.
prot-p-first = Envoyez d'abord PROT P.
host-before-user = HOST vient avant USER ({ $code }).
rein-auth-tls-first = Envoyez d'abord REIN et AUTH TLS.
send-auth-gssapi-first = Envoyez d'abord AUTH GSSAPI.
rein-auth-gssapi-first = Envoyez d'abord REIN et AUTH GSSAPI.

## Commands

here = Présent.
noted = C'est noté.
no-such-command = Cette commande n'existe pas ({ $code }).
no-options = Cette commande n'a pas d'options ({ $code }).
help-commands = Commandes (* non servies) :
site-commands = Commandes SITE :
help-more = HELP et le nom d'une commande l'explique ; SITE HELP en dit plus.
picture-size = Attendu : largeur et hauteur de 1 à { $side } ({ $code }).
expected-ended = Attendu : { $form } ({ $code }).
expected = Attendu : { $form } ({ $code })

## Protection

data-protected = Les connexions de données sont protégées.
data-in-clear = Les connexions de données sont en clair.
begin-tls = Commencez TLS.
pbsz-first = PBSZ vient d'abord ({ $code }).
no-tls = Il n'y a pas de TLS ici ({ $code }).
mechanisms = Les mécanismes servis sont TLS et GSSAPI ({ $code }).
mechanism-gssapi = Le mécanisme servi est GSSAPI ({ $code }).
mechanism-tls = Le mécanisme servi est TLS ({ $code }).
protected-already = La connexion est déjà protégée ({ $code }).
clear-until-rein = Après CCC la connexion reste en clair jusqu'à REIN ({ $code }).
protection-stays = Après CCC la protection des données reste telle quelle ({ $code }).
auth-first = AUTH vient d'abord ({ $code }).
auth-gssapi-first = AUTH GSSAPI vient d'abord ({ $code }).
adat-first = AUTH GSSAPI et ADAT viennent d'abord, et une seule fois autour d'une commande ({ $code }).
send-adat = Envoyez ADAT.
exchange-done = L'échange de sécurité est terminé.
buffers-least = Les tampons ont au moins { $bytes } octets ({ $code }).
tls-levels = TLS protège entièrement (P) ou pas du tout (C) ({ $code }).
levels-two = Les niveaux sont C et P ({ $code }).
levels-four = Les niveaux sont C, S, E et P ({ $code }).
not-protected = La connexion n'est pas protégée ({ $code }).
ccc-after-login = CCC vient après la connexion de l'utilisateur ({ $code }).
control-in-clear = La connexion de contrôle continue en clair.
data-safe = Les connexions de données sont à l'abri des modifications.

## Data connections

only-epsv = Désormais EPSV uniquement.
understood = { $verb } compris.
passive-first = Envoyez d'abord EPSV ou PASV ({ $code }).
pasv-ipv4 = PASV est pour IPv4 : utilisez EPSV ({ $code }).
no-ipv4 = Pas d'adresse IPv4 à annoncer : utilisez EPSV ({ $code }).
spdt-first = SPDT est la première commande d'une connexion ({ $code }).
key-unknown = Personne n'a donné cette clé ({ $code }).
family-coded = Utilisez la famille de la connexion de contrôle ({ $family }) ({ $code }).
family = Utilisez la famille de la connexion de contrôle ({ $family }).

## Representation

names-utf8 = Les noms sont en UTF-8.
type-image = Le type est image : octets tels quels.
structure-file = La structure est fichier.
mode-stream = Le mode est flux.
mode-block = Le mode est bloc.
mode-compressed = Le mode est compressé.
mode-deflate = Le mode est deflate.
eight-bits = Les octets ont 8 bits ici : TYPE L 8.
structure-record = La structure est en enregistrements : un enregistrement est une ligne.
structure-page = La structure est en pages.
bodies = En MODE B un corps suit chaque commande qui enregistre.
names-always-utf8 = Les noms sont toujours en UTF-8 ({ $code }).
pictures = JPEG et PNG le sont.
type-ascii = Le type est ASCII.
type-ebcdic = Le type est EBCDIC, page de codes { $page }.
type-ascii-controls = Le type est ASCII{ $controls }.

## Transfers

no-transfer = Aucun transfert en cours.
abor-done = ABOR effectué.
range-all = Le prochain transfert porte sur tous les octets.
range = Le prochain transfert porte sur les octets { $first } à { $last }.
starts-at = Le prochain transfert commence à l'octet { $first }.
under-way = En cours ; ABOR l'arrête.
no-restart = Rien ne peut reprendre avec ce STRU et ce MODE ({ $code }).
rang-image = RANG avec RETR demande TYPE I et STRU F ({ $code }).
rang-no-upload = RANG est pour RETR et les empreintes : REST dit où un envoi reprend ({ $code }).
rest-image = REST avec STOR demande TYPE I et STRU F, ou MODE B ({ $code }).
would-fit =
    { $bytes ->
        [one] { $bytes } octet tiendrait
       *[other] { $bytes } octets tiendraient
    }.
had-moved =
    { $bytes ->
        [one] { $bytes } octet avait été transféré
       *[other] { $bytes } octets avaient été transférés
    }.
removed-entries =
    Supprimé, { $entries ->
        [one] { $entries } entrée
       *[other] { $entries } entrées
    } en tout.
entries-so-far =
    { $entries ->
        [one] { $entries } entrée
       *[other] { $entries } entrées
    } jusqu'ici.
no-further = On s'arrête là.
size-stru-f = SIZE est pour STRU F ({ $code }).
size-type-i = En TYPE A seuls les fichiers jusqu'à { $bytes } octets sont comptés : utilisez TYPE I ({ $code }).
suspect = L'expéditeur en a dit une partie suspecte.
picture-of = Ouverture de la connexion de données { $kind } pour une image de { $path }.
opening-sized = Ouverture de la connexion de données { $kind } pour { $path } ({ $bytes } bytes).
opening-listing = Ouverture de la connexion de données pour lister { $path }.
opening = Ouverture de la connexion de données { $kind } pour { $path }.
using-listing = La connexion de données ouverte sert à lister { $path }.
using = La connexion de données ouverte sert pour { $path }.
done-rate =
    Terminé : { $bytes } { $bytes ->
        [one] octet
       *[other] octets
    } en { $seconds } s ({ $rate } MiB/s).
done =
    Terminé : { $bytes } { $bytes ->
        [one] octet
       *[other] octets
    }.
stored-rate =
    { $path } enregistré : { $bytes } { $bytes ->
        [one] octet
       *[other] octets
    } en { $seconds } s ({ $rate } MiB/s).
stored =
    { $path } enregistré : { $bytes } { $bytes ->
        [one] octet
       *[other] octets
    }.

## Files and folders

link-made = Lien créé.
removed = Supprimé.
renamed = Renommé.
mount-is-root = Le montage est maintenant la racine.
rename-from = Il existe. Maintenant RNTO et le nouveau nom.
copy-from = Prêt : SITE CPTO nomme la copie.
copied = { $bytes } octets copiés vers { $path }.
holds = { $path } contient { $bytes } octets.
working-directory = "{ $path }" est le répertoire de travail.
created = "{ $path }" créé.
rnfr-first = RNFR précède immédiatement RNTO ({ $code }).
cpfr-first = SITE CPFR vient d'abord ({ $code }).

## Lists of lines

status-of = État de { $path } :
facts-of = Caractéristiques de { $path } :
end = Fin.
end-cut = Fin, interrompue : { $cause }.
state-of-session = État de la session :
connected-from = Connecté depuis { $address }
connected-to = Connecté à { $address }
logged-in-as = Connecté en tant que { $user }
virtual-host = Hôte virtuel { $host }
ticket-of = Le ticket est celui de { $user }
client-says = Le client se dit { $client }
starts-at-line = Le prochain transfert commence à l'octet { $first }
closed-after-line = Fermé après { $seconds } s de silence
closed-after = Fermé après { $seconds } s de silence.
closed-after-at-most = Fermé après { $seconds } s de silence ; au plus { $most } s.
so-far =
    { $what } : { $bytes ->
        [one] { $bytes } octet
       *[other] { $bytes } octets
    } jusqu'ici.
transfer-ended =
    Le transfert est terminé : { $bytes ->
        [one] { $bytes } octet
       *[other] { $bytes } octets
    }.
data-default = Données : vers le port de la connexion de contrôle
data-control-port = Données : attendues sur le port de contrôle
data-open = Données : la connexion est ouverte
data-none = Données : aucune préparée
both-clear = Cette connexion est en clair, les connexions de données sont en clair
clear-and-protected = Cette connexion est en clair, les connexions de données sont protégées par { $mechanism }
protected-and-clear = Cette connexion est protégée par { $mechanism }, les connexions de données sont en clair
both-protected = Cette connexion est protégée par { $mechanism }, les connexions de données sont protégées par { $other }
not-logged-in = Pas connecté
no-transfer-line = Aucun transfert en cours
data-to = Données : vers { $address }
data-awaited = Données : attendues sur { $address }

## SITE

mode-bits = Les droits sont { $bits }.
umask = L'umask est { $bits }.
quota-of = { $free } octets sur { $bytes } sont libres.
quota-free =
    { $bytes ->
        [one] { $bytes } octet est libre
       *[other] { $bytes } octets sont libres
    }.
quota-none = Il n'y a pas de limite.
usage =
    { $bytes ->
        [one] { $bytes } octet
       *[other] { $bytes } octets
    } dans { $files ->
        [one] { $files } fichier
       *[other] { $files } fichiers
    } et { $folders ->
        [one] { $folders } dossier
       *[other] { $folders } dossiers
    }.
who-is-here = Qui est là :
in-all = { $sessions } en tout

## Mail and messages

text-please = Envoyez le texte ; une ligne d'un seul point le termine.
text-kept = Le texte est gardé ; nommez les destinataires.
kept-as-mail = { $user } : gardé comme courrier.
recipients-please = Nommez d'abord les destinataires ({ $code }).
no-scheme = Aucun schéma.
schemes = R Destinataires d'abord ; T est servi aussi.
recipients-first = Les destinataires d'abord, puis le texte.
text-first = Le texte d'abord, puis les destinataires.
scheme-please = Choisissez d'abord un schéma : R ou T ({ $code }).
send-text-first = Envoyez d'abord le texte ({ $code }).
reached-of = { $reached } sur { $recipients } atteints.
sent-session-kept = { $user } : envoyé à une session et gardé comme courrier.
sent-sessions-kept = { $user } : envoyé à { $sessions } sessions et gardé comme courrier.
sent-session = { $user } : envoyé à une session.
sent-sessions = { $user } : envoyé à { $sessions } sessions.

## Why something was refused; the English stands with the reason

CRK-101 = le nom d'utilisateur ou le mot de passe est faux
CRK-102 = l'adresse est bannie après trop d'échecs de connexion
CRK-103 = les mots de passe en clair d'autres machines ne sont pas acceptés ici
CRK-104 = le serveur a atteint son nombre maximal de sessions
CRK-105 = cette adresse a atteint son nombre maximal de sessions
CRK-106 = cet utilisateur a atteint son nombre maximal de sessions
CRK-107 = trop d'échecs de connexion sur cette liaison
CRK-108 = l'utilisateur a été désactivé ou supprimé
CRK-109 = cette adresse ne peut pas se connecter ici, ou pas comme cet utilisateur
CRK-110 = aucun hôte virtuel de ce nom
CRK-111 = le serveur s'arrête
CRK-112 = trop longtemps sans activité
CRK-113 = personne ne s'est connecté dans le temps imparti
CRK-114 = l'administrateur a fermé la session
CRK-115 = le serveur n'a plus de descripteurs ou de mémoire pour une session de plus
CRK-116 = l'utilisateur n'a pas de compte de ce nom
CRK-117 = la connexion doit être protégée ici
CRK-201 = fichier ou dossier introuvable
CRK-202 = ce nom est déjà pris
CRK-203 = ceci, ou une partie du chemin, n'est pas un dossier
CRK-204 = c'est un dossier et non un fichier
CRK-205 = le dossier n'est pas vide
CRK-206 = ce n'est ni un fichier ni un dossier
CRK-207 = un lien symbolique mène hors de l'arborescence
CRK-208 = des liens symboliques tournent en rond
CRK-209 = le nom est trop long
CRK-210 = ce nom ne convient pas ici
CRK-211 = les droits de l'utilisateur ne le permettent pas ici
CRK-212 = le stockage l'a refusé au serveur
CRK-213 = cet endroit est en lecture seule
CRK-214 = le stockage est plein
CRK-215 = le quota de l'utilisateur est épuisé
CRK-216 = le fichier dépasse ce que cet utilisateur peut enregistrer
CRK-217 = le fichier est en cours d'utilisation
CRK-218 = ce stockage ne sait pas faire cela
CRK-219 = les noms sont sur des montages différents
CRK-220 = le stockage a échoué
CRK-221 = le début se trouve au-delà de la fin
CRK-222 = cet utilisateur a atteint son nombre maximal de transferts
CRK-223 = l'envoi s'est terminé avant le nombre d'octets annoncé
CRK-224 = il y a plus d'entrées qu'une réponse ne peut en tenir
CRK-225 = annulé
CRK-226 = ce montage n'existe pas pour cet utilisateur
CRK-227 = c'est un point de montage
CRK-228 = le journal d'audit ne peut plus prendre d'entrée
CRK-229 = le fichier a raccourci pendant l'envoi
CRK-230 = les tampons de transfert du serveur ont tous été pris trop longtemps
CRK-301 = le client n'a jamais ouvert la connexion de données
CRK-302 = le client a refusé la connexion de données
CRK-303 = l'adresse du client est injoignable d'ici
CRK-304 = l'adresse n'est pas celle de la connexion de contrôle
CRK-305 = la connexion de données est restée inactive trop longtemps
CRK-306 = le client a coupé la connexion de données
CRK-307 = aucun port passif n'est libre pour cette adresse
CRK-308 = une connexion de données vers un port sous 1024 est refusée
CRK-309 = après EPSV ALL seul EPSV peut préparer des connexions de données
CRK-310 = cette famille d'adresses n'est pas celle de la connexion de contrôle
CRK-311 = une adresse privée a été annoncée à un client extérieur
CRK-312 = le mode actif est désactivé ici
CRK-313 = le mode passif est désactivé ici
CRK-314 = les connexions de données doivent être protégées ici
CRK-315 = la connexion de données n'a pas repris la session TLS de la connexion de contrôle
CRK-316 = la connexion de données s'est terminée sans la clôture TLS, la fin peut donc manquer
CRK-317 = la négociation TLS de la connexion de données a échoué
CRK-318 = un enregistrement TLS de la connexion de données n'était pas ce que son expéditeur a chiffré
CRK-340 = le contenu s'est terminé avant sa propre marque de fin
CRK-341 = le corps n'est pas découpé comme le veulent le mode et la structure
CRK-342 = le contenu compressé est endommagé
CRK-343 = un enregistrement contient l'octet qui termine ici les enregistrements (LF)
CRK-344 = un en-tête de page n'est pas comme le veut STRU P, ou des pages manquent
CRK-345 = une marque de reprise est vide, dépasse 64 octets ou n'est pas imprimable
CRK-346 = des octets sont venus après la fin du corps
CRK-347 = ce n'est pas une image d'un type lu ici, ou elle est endommagée
CRK-348 = l'image est trop grande pour être réduite
CRK-401 = la ligne de commande est trop longue
CRK-402 = la commande contient un NUL ou un caractère de contrôle qu'aucun nom ne peut avoir
CRK-403 = cette commande n'existe pas
CRK-404 = l'argument n'est pas celui attendu
CRK-405 = cette commande ne convient pas ici
CRK-406 = connectez-vous d'abord
CRK-407 = cette commande est connue mais non servie
CRK-408 = ce paramètre n'est pas servi
CRK-409 = trop de commandes attendent derrière un transfert
CRK-410 = le client n'a lu aucune réponse pendant trop longtemps
CRK-603 = du texte en clair est venu derrière AUTH avant la négociation
CRK-610 = le serveur n'a pas de certificat utilisable pour le moment
CRK-611 = la connexion de contrôle n'a pas pu revenir en clair
CRK-612 = la connexion de contrôle ne peut pas revenir en clair ici
CRK-750 = l'utilisateur ne peut pas envoyer de messages aux autres
CRK-751 = on ne peut envoyer de message à personne de ce nom
CRK-752 = l'utilisateur n'a pas de session qui montre des messages
CRK-753 = trop de messages attendent l'utilisateur
CRK-754 = le message est plus grand que permis
CRK-755 = rien ne garde de courrier ici
CRK-756 = les anciennes commandes de courrier ne sont pas servies ici
CRK-757 = un message a atteint son nombre maximal de destinataires
CRK-950 = ce n'est pas du base64
CRK-951 = le jeton de sécurité n'est pas valable
CRK-952 = après un échange de sécurité les commandes doivent être protégées
CRK-953 = trop d'échanges de sécurité ont été commencés
CRK-954 = ce principal ne peut pas se connecter comme cet utilisateur
CRK-955 = ce qui est venu par la connexion de données n'est pas protégé comme PROT l'a dit
