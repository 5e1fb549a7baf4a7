//! Why something was refused, in other languages: German, Spanish, French, Chinese.

use types::Reason;

/// A reason, and its cause in each of them.
pub(super) const CAUSES: &[(Reason, [&str; 4])] = &[
    (
        Reason::LoginWrong,
        [
            "Benutzername oder Passwort ist falsch",
            "el nombre de usuario o la contraseña no es correcto",
            "le nom d'utilisateur ou le mot de passe est faux",
            "用户名或密码错误",
        ],
    ),
    (
        Reason::PlainLogin,
        [
            "hier werden von anderen Rechnern keine Passwörter im Klartext angenommen",
            "aquí no se aceptan contraseñas en claro desde otros equipos",
            "les mots de passe en clair d'autres machines ne sont pas acceptés ici",
            "此处不接受来自其他机器的明文密码",
        ],
    ),
    (
        Reason::LoginUnprotected,
        [
            "Anmeldungen müssen hier geschützt sein",
            "aquí el inicio de sesión debe estar protegido",
            "la connexion doit être protégée ici",
            "此处登录必须受保护",
        ],
    ),
    (
        Reason::TooManySessions,
        [
            "der Server hat so viele Sitzungen, wie er haben darf",
            "el servidor tiene el máximo de sesiones",
            "le serveur a atteint son nombre maximal de sessions",
            "服务器会话数已达上限",
        ],
    ),
    (
        Reason::TooManyOfUser,
        [
            "dieser Benutzer hat so viele Sitzungen, wie er haben darf",
            "este usuario tiene el máximo de sesiones",
            "cet utilisateur a atteint son nombre maximal de sessions",
            "该用户会话数已达上限",
        ],
    ),
    (
        Reason::TooManyTries,
        [
            "zu viele fehlgeschlagene Anmeldungen auf dieser Verbindung",
            "demasiados intentos fallidos en esta conexión",
            "trop d'échecs de connexion sur cette liaison",
            "此连接登录失败次数过多",
        ],
    ),
    (
        Reason::UserDisabled,
        [
            "der Benutzer wurde gesperrt oder entfernt",
            "el usuario fue desactivado o eliminado",
            "l'utilisateur a été désactivé ou supprimé",
            "用户已被禁用或删除",
        ],
    ),
    (
        Reason::ShuttingDown,
        ["der Server fährt herunter", "el servidor se está cerrando", "le serveur s'arrête", "服务器正在关闭"],
    ),
    (
        Reason::IdleTimeout,
        [
            "zu lange wurde nichts gesagt oder übertragen",
            "demasiado tiempo sin actividad",
            "trop longtemps sans activité",
            "空闲时间过长",
        ],
    ),
    (
        Reason::LoginTimeout,
        [
            "niemand hat sich in der gegebenen Zeit angemeldet",
            "nadie inició sesión en el tiempo dado",
            "personne ne s'est connecté dans le temps imparti",
            "未在规定时间内登录",
        ],
    ),
    (
        Reason::Kicked,
        [
            "der Verwalter hat die Sitzung beendet",
            "el administrador cerró la sesión",
            "l'administrateur a fermé la session",
            "管理员已关闭会话",
        ],
    ),
    (
        Reason::NotFound,
        [
            "Datei oder Ordner gibt es nicht",
            "no existe tal archivo o carpeta",
            "fichier ou dossier introuvable",
            "没有此文件或文件夹",
        ],
    ),
    (Reason::Exists, ["der Name ist schon vergeben", "ya existe algo con ese nombre", "ce nom est déjà pris", "该名称已存在"]),
    (
        Reason::NotAFolder,
        [
            "das oder ein Teil des Pfades ist kein Ordner",
            "eso, o una parte de la ruta, no es una carpeta",
            "ceci, ou une partie du chemin, n'est pas un dossier",
            "路径或其中一部分不是文件夹",
        ],
    ),
    (
        Reason::IsAFolder,
        [
            "das ist ein Ordner und keine Datei",
            "eso es una carpeta y no un archivo",
            "c'est un dossier et non un fichier",
            "这是文件夹,不是文件",
        ],
    ),
    (Reason::NotEmpty, ["der Ordner ist nicht leer", "la carpeta no está vacía", "le dossier n'est pas vide", "文件夹不为空"]),
    (
        Reason::NotRegular,
        [
            "das ist weder Datei noch Ordner",
            "eso no es ni archivo ni carpeta",
            "ce n'est ni un fichier ni un dossier",
            "这既不是文件也不是文件夹",
        ],
    ),
    (
        Reason::LeadsOutside,
        [
            "eine Verknüpfung führt aus dem Baum hinaus",
            "un enlace simbólico lleva fuera del árbol",
            "un lien symbolique mène hors de l'arborescence",
            "符号链接指向目录树之外",
        ],
    ),
    (Reason::NameTooLong, ["der Name ist zu lang", "el nombre es demasiado largo", "le nom est trop long", "名称过长"]),
    (
        Reason::BadName,
        ["der Name geht hier nicht", "ese nombre no se puede usar aquí", "ce nom ne convient pas ici", "此处不能使用该名称"],
    ),
    (
        Reason::Denied,
        [
            "die Rechte des Benutzers erlauben das hier nicht",
            "los permisos del usuario no lo permiten aquí",
            "les droits de l'utilisateur ne le permettent pas ici",
            "用户权限不允许此操作",
        ],
    ),
    (
        Reason::StorageDenied,
        [
            "der Speicher hat es dem Server verweigert",
            "el almacenamiento se lo negó al servidor",
            "le stockage l'a refusé au serveur",
            "存储拒绝了服务器的请求",
        ],
    ),
    (
        Reason::ReadOnly,
        ["hier kann nur gelesen werden", "este lugar es de solo lectura", "cet endroit est en lecture seule", "此处为只读"],
    ),
    (Reason::NoSpace, ["der Speicher ist voll", "el almacenamiento está lleno", "le stockage est plein", "存储空间已满"]),
    (
        Reason::OverQuota,
        [
            "das Kontingent des Benutzers ist aufgebraucht",
            "la cuota del usuario está agotada",
            "le quota de l'utilisateur est épuisé",
            "用户配额已用完",
        ],
    ),
    (
        Reason::TooLarge,
        [
            "die Datei ist größer, als dieser Benutzer speichern darf",
            "el archivo es mayor de lo que este usuario puede guardar",
            "le fichier dépasse ce que cet utilisateur peut enregistrer",
            "文件超过该用户允许的大小",
        ],
    ),
    (
        Reason::Busy,
        [
            "die Datei wird so benutzt, dass dies nicht geht",
            "el archivo está en uso",
            "le fichier est en cours d'utilisation",
            "文件正被占用",
        ],
    ),
    (
        Reason::Unsupported,
        [
            "dieser Speicher kann das nicht",
            "este almacenamiento no puede hacer eso",
            "ce stockage ne sait pas faire cela",
            "此存储不支持该操作",
        ],
    ),
    (
        Reason::CrossMount,
        [
            "die Namen liegen auf verschiedenen Mounts",
            "los nombres están en montajes distintos",
            "les noms sont sur des montages différents",
            "两个名称位于不同的挂载",
        ],
    ),
    (Reason::Io, ["der Speicher hat versagt", "falló el almacenamiento", "le stockage a échoué", "存储发生故障"]),
    (
        Reason::BeyondEnd,
        [
            "der Anfang liegt hinter dem Ende",
            "el comienzo está más allá del final",
            "le début se trouve au-delà de la fin",
            "起始位置超出文件末尾",
        ],
    ),
    (
        Reason::TooManyTransfers,
        [
            "dieser Benutzer hat so viele Übertragungen, wie er haben darf",
            "este usuario tiene el máximo de transferencias",
            "cet utilisateur a atteint son nombre maximal de transferts",
            "该用户传输数已达上限",
        ],
    ),
    (
        Reason::SizeMismatch,
        [
            "die Übertragung endete vor der angekündigten Zahl von Bytes",
            "la subida terminó antes del número anunciado de bytes",
            "l'envoi s'est terminé avant le nombre d'octets annoncé",
            "上传在达到声明的字节数之前结束",
        ],
    ),
    (Reason::Cancelled, ["abgebrochen", "se canceló", "annulé", "已取消"]),
    (
        Reason::UnknownMount,
        [
            "diesen Mount gibt es für den Benutzer nicht",
            "no hay tal montaje para este usuario",
            "ce montage n'existe pas pour cet utilisateur",
            "该用户没有此挂载",
        ],
    ),
    (Reason::MountPoint, ["das ist ein Mount-Punkt", "eso es un punto de montaje", "c'est un point de montage", "这是挂载点"]),
    (
        Reason::Shrunk,
        [
            "die Datei wurde während der Übertragung kürzer",
            "el archivo se acortó mientras se enviaba",
            "le fichier a raccourci pendant l'envoi",
            "文件在发送过程中变短",
        ],
    ),
    (
        Reason::DataNeverCame,
        [
            "der Client hat die Datenverbindung nie aufgebaut",
            "el cliente nunca abrió la conexión de datos",
            "le client n'a jamais ouvert la connexion de données",
            "客户端从未建立数据连接",
        ],
    ),
    (
        Reason::DataRefused,
        [
            "der Client hat die Datenverbindung abgelehnt",
            "el cliente rechazó la conexión de datos",
            "le client a refusé la connexion de données",
            "客户端拒绝了数据连接",
        ],
    ),
    (
        Reason::DataUnreachable,
        [
            "die Adresse des Clients ist von hier nicht erreichbar",
            "no se alcanza la dirección del cliente desde aquí",
            "l'adresse du client est injoignable d'ici",
            "无法从此处到达客户端地址",
        ],
    ),
    (
        Reason::DataForeign,
        [
            "die Adresse ist nicht die der Steuerverbindung",
            "la dirección no es la de la conexión de control",
            "l'adresse n'est pas celle de la connexion de contrôle",
            "该地址不是控制连接的地址",
        ],
    ),
    (
        Reason::DataStalled,
        [
            "zu lange kam kein Byte über die Datenverbindung",
            "la conexión de datos estuvo parada demasiado tiempo",
            "la connexion de données est restée inactive trop longtemps",
            "数据连接停滞过久",
        ],
    ),
    (
        Reason::DataReset,
        [
            "der Client hat die Datenverbindung abgebrochen",
            "el cliente cortó la conexión de datos",
            "le client a coupé la connexion de données",
            "客户端中断了数据连接",
        ],
    ),
    (
        Reason::DataUnprotected,
        [
            "Datenverbindungen müssen hier geschützt sein",
            "aquí las conexiones de datos deben estar protegidas",
            "les connexions de données doivent être protégées ici",
            "此处数据连接必须受保护",
        ],
    ),
    (
        Reason::BodyCut,
        [
            "der Inhalt endete vor seiner eigenen Endmarke",
            "el contenido terminó antes de su propia marca final",
            "le contenu s'est terminé avant sa propre marque de fin",
            "内容在其结束标记之前中断",
        ],
    ),
    (
        Reason::BodyDeflate,
        [
            "der komprimierte Inhalt ist beschädigt",
            "el contenido comprimido está dañado",
            "le contenu compressé est endommagé",
            "压缩内容已损坏",
        ],
    ),
    (
        Reason::LineTooLong,
        [
            "die Befehlszeile ist zu lang",
            "la línea de orden es demasiado larga",
            "la ligne de commande est trop longue",
            "命令行过长",
        ],
    ),
    (Reason::Unknown, ["diesen Befehl gibt es nicht", "no existe tal orden", "cette commande n'existe pas", "没有此命令"]),
    (
        Reason::Syntax,
        [
            "das Argument ist nicht, wie der Befehl es will",
            "el argumento no es como lo pide la orden",
            "l'argument n'est pas celui attendu",
            "参数格式不正确",
        ],
    ),
    (
        Reason::NotNow,
        [
            "dieser Befehl passt hier nicht",
            "esta orden no procede aquí",
            "cette commande ne convient pas ici",
            "此处不能使用该命令",
        ],
    ),
    (Reason::NotLoggedIn, ["bitte erst anmelden", "inicie sesión primero", "connectez-vous d'abord", "请先登录"]),
    (
        Reason::MessagesDenied,
        [
            "der Benutzer darf anderen keine Nachrichten senden",
            "el usuario no puede enviar mensajes a otros",
            "l'utilisateur ne peut pas envoyer de messages aux autres",
            "该用户不得向他人发送消息",
        ],
    ),
    (
        Reason::NoRecipient,
        [
            "niemandem dieses Namens kann eine Nachricht gesendet werden",
            "no se puede enviar un mensaje a nadie de ese nombre",
            "on ne peut envoyer de message à personne de ce nom",
            "没有可接收消息的此名用户",
        ],
    ),
    (
        Reason::NotHere,
        [
            "der Benutzer hat keine Sitzung, die Nachrichten zeigt",
            "el usuario no tiene ninguna sesión que muestre mensajes",
            "l'utilisateur n'a pas de session qui montre des messages",
            "该用户没有可显示消息的会话",
        ],
    ),
    (
        Reason::HistoricOff,
        [
            "die alten Postbefehle werden hier nicht bedient",
            "aquí no se sirven las antiguas órdenes de correo",
            "les anciennes commandes de courrier ne sont pas servies ici",
            "此处不提供旧式邮件命令",
        ],
    ),
    (
        Reason::NotServed,
        [
            "dieser Befehl ist bekannt, wird aber nicht bedient",
            "esta orden se conoce pero no se atiende",
            "cette commande est connue mais non servie",
            "该命令已知但未提供",
        ],
    ),
    (
        Reason::BadParameter,
        ["dieser Parameter wird nicht bedient", "ese parámetro no se atiende", "ce paramètre n'est pas servi", "不支持该参数"],
    ),
];
