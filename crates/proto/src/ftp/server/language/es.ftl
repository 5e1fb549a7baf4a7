# Replies in Spanish. What a text is filled with bears the name that it has in en.ftl.

## Welcome and account

ready = Carrack está listo.
ready-again = Listo para un nuevo usuario.
good-bye = Adiós.
password-please = Contraseña, por favor.
anonymous-password = Acceso anónimo, si aquí se permite: envíe su dirección de correo como contraseña.
welcome = Bienvenido, { $user }.
account-needed = Indique la cuenta con ACCT.
account-not-needed = Aquí no hace falta ninguna cuenta.
user-first = Envíe primero USER ({ $code }).
logged-in-already = Ya ha iniciado sesión ({ $code }).
user-pass-first = Envíe antes USER y PASS ({ $code }).
log-in-first = Inicie antes la sesión ({ $code }).
auth-tls-first = Envíe antes AUTH TLS.
prot-p-first = Envíe antes PROT P.
host-before-user = HOST va antes de USER ({ $code }).
rein-auth-tls-first = Envíe antes REIN y AUTH TLS.
send-auth-gssapi-first = Envíe antes AUTH GSSAPI.
rein-auth-gssapi-first = Envíe antes REIN y AUTH GSSAPI.

## Commands

here = Aquí.
noted = Anotado.
no-such-command = No existe esa orden ({ $code }).
no-options = Esa orden no tiene opciones ({ $code }).
help-commands = Órdenes (* no atendidas):
site-commands = Órdenes SITE:
help-more = HELP y el nombre de una orden la explica; hay más en SITE HELP.
picture-size = Se esperaba: ancho y alto de 1 a { $side } ({ $code }).
expected-ended = Se esperaba: { $form } ({ $code }).
expected = Se esperaba: { $form } ({ $code })

## Protection

data-protected = Las conexiones de datos están protegidas.
data-in-clear = Las conexiones de datos no están protegidas.
begin-tls = Inicie TLS.
pbsz-first = Primero va PBSZ ({ $code }).
no-tls = Aquí no hay TLS ({ $code }).
mechanisms = Los mecanismos disponibles son TLS y GSSAPI ({ $code }).
mechanism-gssapi = El mecanismo disponible es GSSAPI ({ $code }).
mechanism-tls = El mecanismo disponible es TLS ({ $code }).
protected-already = La conexión ya está protegida ({ $code }).
clear-until-rein = Tras CCC la conexión sigue en claro hasta REIN ({ $code }).
protection-stays = Tras CCC la protección de los datos queda como está ({ $code }).
auth-first = AUTH va primero ({ $code }).
auth-gssapi-first = AUTH GSSAPI va primero ({ $code }).
adat-first = AUTH GSSAPI y ADAT van primero, y una sola vez en torno a una orden ({ $code }).
send-adat = Envíe ADAT.
exchange-done = El intercambio de seguridad ha terminado.
buffers-least = Los búferes tienen al menos { $bytes } bytes ({ $code }).
tls-levels = TLS protege del todo (P) o nada (C) ({ $code }).
levels-two = Los niveles son C y P ({ $code }).
levels-four = Los niveles son C, S, E y P ({ $code }).
not-protected = La conexión no está protegida ({ $code }).
ccc-after-login = CCC va después de iniciar la sesión ({ $code }).
control-in-clear = La conexión de control sigue en claro.
data-safe = Las conexiones de datos están a salvo de cambios.

## Data connections

only-epsv = A partir de ahora solo EPSV.
understood = { $verb } entendido.
passive-first = Envíe primero EPSV o PASV ({ $code }).
pasv-ipv4 = PASV es para IPv4: use EPSV ({ $code }).
no-ipv4 = No hay dirección IPv4 que anunciar: use EPSV ({ $code }).
spdt-first = SPDT es la primera orden de una conexión ({ $code }).
key-unknown = Nadie ha dado esa clave ({ $code }).
family-coded = Use la familia de la conexión de control ({ $family }) ({ $code }).
family = Use la familia de la conexión de control ({ $family }).

## Representation

names-utf8 = Los nombres están en UTF-8.
type-image = El tipo es imagen: bytes tal cual.
structure-file = La estructura es archivo.
mode-stream = El modo es flujo.
mode-block = El modo es bloque.
mode-compressed = El modo es comprimido.
mode-deflate = El modo es deflate.
eight-bits = Aquí los bytes tienen 8 bits: TYPE L 8.
structure-record = La estructura es de registros: un registro es una línea.
structure-page = La estructura es de páginas.
bodies = En MODE B sigue un cuerpo a cada orden que guarda.
names-always-utf8 = Los nombres son siempre UTF-8 ({ $code }).
pictures = JPEG y PNG sí.
type-ascii = El tipo es ASCII.
type-ebcdic = El tipo es EBCDIC, página de códigos { $page }.
type-ascii-controls = El tipo es ASCII{ $controls }.

## Transfers

no-transfer = No hay ninguna transferencia en curso.
abor-done = ABOR realizado.
range-all = La próxima transferencia es de todos los bytes.
range = La próxima transferencia es de los bytes { $first } a { $last }.
starts-at = La próxima transferencia empieza en el byte { $first }.
under-way = En curso; ABOR lo detiene.
no-restart = Con este STRU y MODE no se puede reanudar nada ({ $code }).
rang-image = RANG con RETR necesita TYPE I y STRU F ({ $code }).
rang-no-upload = RANG es para RETR y resúmenes: REST dice dónde sigue una subida ({ $code }).
rest-image = REST con STOR necesita TYPE I y STRU F, o MODE B ({ $code }).
would-fit =
    { $bytes ->
        [one] Cabe un byte
       *[other] Caben { $bytes } bytes
    }.
had-moved =
    { $bytes ->
        [one] Se había transferido un byte
       *[other] Se habían transferido { $bytes } bytes
    }.
removed-entries =
    Eliminado, { $entries ->
        [one] una entrada
       *[other] { $entries } entradas
    } en total.
entries-so-far =
    { $entries ->
        [one] Una entrada
       *[other] { $entries } entradas
    } hasta ahora.
no-further = No se sigue.
size-stru-f = SIZE es para STRU F ({ $code }).
size-type-i = En TYPE A solo se cuentan archivos de hasta { $bytes } bytes: use TYPE I ({ $code }).
suspect = El remitente llamó sospechosa a una parte.
picture-of = Abriendo conexión de datos { $kind } para una imagen de { $path }.
opening-sized = Abriendo conexión de datos { $kind } para { $path } ({ $bytes } bytes).
opening-listing = Abriendo conexión de datos para listar { $path }.
opening = Abriendo conexión de datos { $kind } para { $path }.
using-listing = Se usa la conexión de datos abierta para listar { $path }.
using = Se usa la conexión de datos abierta para { $path }.
done-rate =
    Hecho: { $bytes } { $bytes ->
        [one] byte
       *[other] bytes
    } en { $seconds } s ({ $rate } MiB/s).
done =
    Hecho: { $bytes } { $bytes ->
        [one] byte
       *[other] bytes
    }.
stored-rate =
    { $path } guardado: { $bytes } { $bytes ->
        [one] byte
       *[other] bytes
    } en { $seconds } s ({ $rate } MiB/s).
stored =
    { $path } guardado: { $bytes } { $bytes ->
        [one] byte
       *[other] bytes
    }.

## Files and folders

link-made = Enlace creado.
removed = Eliminado.
renamed = Renombrado.
mount-is-root = El montaje es ahora la raíz.
rename-from = Existe. Ahora RNTO y el nuevo nombre.
copy-from = Listo: SITE CPTO indica la copia.
copied = Copiados { $bytes } bytes a { $path }.
holds = { $path } contiene { $bytes } bytes.
working-directory = "{ $path }" es el directorio de trabajo.
created = "{ $path }" creado.
rnfr-first = RNFR va justo antes de RNTO ({ $code }).
cpfr-first = Primero va SITE CPFR ({ $code }).

## Lists of lines

status-of = Estado de { $path }:
facts-of = Datos de { $path }:
end = Fin.
end-cut = Fin, interrumpido: { $cause }.
state-of-session = Estado de la sesión:
connected-from = Conectado desde { $address }
connected-to = Conectado a { $address }
logged-in-as = Sesión iniciada como { $user }
virtual-host = Servidor virtual { $host }
ticket-of = El tique es de { $user }
client-says = El cliente dice que es { $client }
starts-at-line = La próxima transferencia empieza en el byte { $first }
closed-after-line = Se cierra tras { $seconds } s de silencio
closed-after = Se cierra tras { $seconds } s de silencio.
closed-after-at-most = Se cierra tras { $seconds } s de silencio; como mucho { $most } s.
so-far =
    { $what }: { $bytes ->
        [one] un byte
       *[other] { $bytes } bytes
    } hasta ahora.
transfer-ended =
    La transferencia ha terminado: { $bytes ->
        [one] un byte
       *[other] { $bytes } bytes
    }.
data-default = Datos: al puerto de la conexión de control
data-control-port = Datos: se esperan en el puerto de control
data-open = Datos: la conexión está abierta
data-none = Datos: ninguna preparada
both-clear = Esta conexión va en claro, las conexiones de datos van en claro
clear-and-protected = Esta conexión va en claro, las conexiones de datos van protegidas por { $mechanism }
protected-and-clear = Esta conexión va protegida por { $mechanism }, las conexiones de datos van en claro
both-protected = Esta conexión va protegida por { $mechanism }, las conexiones de datos van protegidas por { $other }
not-logged-in = Sin sesión iniciada
no-transfer-line = No hay ninguna transferencia en curso
data-to = Datos: a { $address }
data-awaited = Datos: se esperan en { $address }

## SITE

mode-bits = Los permisos son { $bits }.
umask = La umask es { $bits }.
quota-of = Quedan libres { $free } de { $bytes } bytes.
quota-free =
    { $bytes ->
        [one] Queda libre un byte
       *[other] Quedan libres { $bytes } bytes
    }.
quota-none = No hay límite.
usage =
    { $bytes ->
        [one] Un byte
       *[other] { $bytes } bytes
    } en { $files ->
        [one] un archivo
       *[other] { $files } archivos
    } y { $folders ->
        [one] una carpeta
       *[other] { $folders } carpetas
    }.
who-is-here = Quién está aquí:
in-all = { $sessions } en total

## Mail and messages

text-please = Envíe el texto; una línea con solo un punto lo termina.
text-kept = El texto está guardado; indique los destinatarios.
kept-as-mail = { $user }: guardado como correo.
recipients-please = Indique antes los destinatarios ({ $code }).
no-scheme = Ningún esquema.
schemes = R Primero los destinatarios; también hay T.
recipients-first = Primero los destinatarios, después el texto.
text-first = Primero el texto, después los destinatarios.
scheme-please = Elija antes un esquema: R o T ({ $code }).
send-text-first = Envíe antes el texto ({ $code }).
reached-of = Alcanzados { $reached } de { $recipients }.
sent-session-kept = { $user }: enviado a una sesión y guardado como correo.
sent-sessions-kept = { $user }: enviado a { $sessions } sesiones y guardado como correo.
sent-session = { $user }: enviado a una sesión.
sent-sessions = { $user }: enviado a { $sessions } sesiones.

## Why something was refused; the English stands with the reason

CRK-101 = el nombre de usuario o la contraseña no es correcto
CRK-102 = la dirección está vetada tras demasiados inicios de sesión fallidos
CRK-103 = aquí no se aceptan contraseñas en claro desde otros equipos
CRK-104 = el servidor tiene el máximo de sesiones
CRK-105 = esta dirección tiene el máximo de sesiones
CRK-106 = este usuario tiene el máximo de sesiones
CRK-107 = demasiados intentos fallidos en esta conexión
CRK-108 = el usuario fue desactivado o eliminado
CRK-109 = esta dirección no puede conectarse aquí, o no como este usuario
CRK-110 = no existe ningún servidor virtual con ese nombre
CRK-111 = el servidor se está cerrando
CRK-112 = demasiado tiempo sin actividad
CRK-113 = nadie inició sesión en el tiempo dado
CRK-114 = el administrador cerró la sesión
CRK-115 = el servidor no tiene descriptores ni memoria para otra sesión
CRK-116 = el usuario no tiene ninguna cuenta con ese nombre
CRK-117 = aquí el inicio de sesión debe estar protegido
CRK-201 = no existe tal archivo o carpeta
CRK-202 = ya existe algo con ese nombre
CRK-203 = eso, o una parte de la ruta, no es una carpeta
CRK-204 = eso es una carpeta y no un archivo
CRK-205 = la carpeta no está vacía
CRK-206 = eso no es ni archivo ni carpeta
CRK-207 = un enlace simbólico lleva fuera del árbol
CRK-208 = los enlaces simbólicos forman un círculo
CRK-209 = el nombre es demasiado largo
CRK-210 = ese nombre no se puede usar aquí
CRK-211 = los permisos del usuario no lo permiten aquí
CRK-212 = el almacenamiento se lo negó al servidor
CRK-213 = este lugar es de solo lectura
CRK-214 = el almacenamiento está lleno
CRK-215 = la cuota del usuario está agotada
CRK-216 = el archivo es mayor de lo que este usuario puede guardar
CRK-217 = el archivo está en uso
CRK-218 = este almacenamiento no puede hacer eso
CRK-219 = los nombres están en montajes distintos
CRK-220 = falló el almacenamiento
CRK-221 = el comienzo está más allá del final
CRK-222 = este usuario tiene el máximo de transferencias
CRK-223 = la subida terminó antes del número anunciado de bytes
CRK-224 = hay más entradas de las que caben en una respuesta
CRK-225 = se canceló
CRK-226 = no hay tal montaje para este usuario
CRK-227 = eso es un punto de montaje
CRK-228 = el registro de auditoría no admite otra entrada
CRK-229 = el archivo se acortó mientras se enviaba
CRK-230 = los búferes de transferencia del servidor estuvieron ocupados demasiado tiempo
CRK-301 = el cliente nunca abrió la conexión de datos
CRK-302 = el cliente rechazó la conexión de datos
CRK-303 = no se alcanza la dirección del cliente desde aquí
CRK-304 = la dirección no es la de la conexión de control
CRK-305 = la conexión de datos estuvo parada demasiado tiempo
CRK-306 = el cliente cortó la conexión de datos
CRK-307 = no hay ningún puerto pasivo libre para esta dirección
CRK-308 = se rechaza una conexión de datos a un puerto inferior a 1024
CRK-309 = tras EPSV ALL solo EPSV puede preparar conexiones de datos
CRK-310 = esa familia de direcciones no es la de la conexión de control
CRK-311 = se anunció una dirección privada a un cliente de fuera
CRK-312 = el modo activo está desactivado aquí
CRK-313 = el modo pasivo está desactivado aquí
CRK-314 = aquí las conexiones de datos deben estar protegidas
CRK-315 = la conexión de datos no reanudó la sesión TLS de la conexión de control
CRK-316 = la conexión de datos terminó sin el cierre de TLS, así que puede faltar el final
CRK-317 = falló la negociación TLS de la conexión de datos
CRK-318 = un registro TLS de la conexión de datos no era lo que cifró su remitente
CRK-340 = el contenido terminó antes de su propia marca final
CRK-341 = el cuerpo no está enmarcado como piden su modo y estructura
CRK-342 = el contenido comprimido está dañado
CRK-343 = un registro contiene el byte que aquí termina los registros (LF)
CRK-344 = una cabecera de página no es como pide STRU P, o faltan páginas
CRK-345 = una marca de reinicio está vacía, pasa de 64 bytes o no es imprimible
CRK-346 = llegaron bytes tras el final del cuerpo
CRK-347 = no es una imagen de un tipo que se lea aquí, o está dañada
CRK-348 = la imagen es demasiado grande para reducirla
CRK-401 = la línea de orden es demasiado larga
CRK-402 = la orden contiene un NUL o un carácter de control que ningún nombre puede tener
CRK-403 = no existe tal orden
CRK-404 = el argumento no es como lo pide la orden
CRK-405 = esta orden no procede aquí
CRK-406 = inicie sesión primero
CRK-407 = esta orden se conoce pero no se atiende
CRK-408 = ese parámetro no se atiende
CRK-409 = hay demasiadas órdenes esperando tras una transferencia
CRK-410 = el cliente no leyó ninguna respuesta durante demasiado tiempo
CRK-603 = llegó texto en claro tras AUTH antes de la negociación
CRK-610 = el servidor no tiene ahora ningún certificado que usar
CRK-611 = la conexión de control no pudo volver a ir en claro
CRK-612 = la conexión de control no puede volver a ir en claro aquí
CRK-750 = el usuario no puede enviar mensajes a otros
CRK-751 = no se puede enviar un mensaje a nadie de ese nombre
CRK-752 = el usuario no tiene ninguna sesión que muestre mensajes
CRK-753 = al usuario le esperan demasiados mensajes
CRK-754 = el mensaje es mayor de lo permitido
CRK-755 = nada guarda correo aquí
CRK-756 = aquí no se sirven las antiguas órdenes de correo
CRK-757 = un mensaje tiene el máximo de destinatarios
CRK-950 = eso no es base64
CRK-951 = el testigo de seguridad no es válido
CRK-952 = tras un intercambio de seguridad las órdenes deben ir protegidas
CRK-953 = se iniciaron demasiados intercambios de seguridad
CRK-954 = ese principal no puede iniciar sesión como este usuario
CRK-955 = lo que llegó por la conexión de datos no va protegido como dijo PROT
