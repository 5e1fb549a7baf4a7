//! The texts of replies in other languages: German, Spanish, French, Chinese. `{}` stands for what a reply fills in, in
//! the order it has in English.

/// An English text, and what it is in each of the others.
pub(super) const TEXTS: &[(&str, [&str; 4])] = &[
    ("Carrack is ready.", ["Carrack ist bereit.", "Carrack está listo.", "Carrack est prêt.", "Carrack 已就绪。"]),
    (
        "Ready for a new user.",
        [
            "Bereit für einen neuen Benutzer.",
            "Listo para un nuevo usuario.",
            "Prêt pour un nouvel utilisateur.",
            "可供新用户登录。",
        ],
    ),
    (
        "Send the text; a line that is only a dot ends it.",
        [
            "Bitte den Text; eine Zeile aus nur einem Punkt beendet ihn.",
            "Envíe el texto; una línea con solo un punto lo termina.",
            "Envoyez le texte ; une ligne d'un seul point le termine.",
            "请发送正文;仅含一个句点的行表示结束。",
        ],
    ),
    (
        "The text is kept; name its recipients.",
        [
            "Der Text ist aufbewahrt; bitte die Empfänger nennen.",
            "El texto está guardado; indique los destinatarios.",
            "Le texte est gardé ; nommez les destinataires.",
            "正文已保留;请指定收件人。",
        ],
    ),
    (
        "{}: kept as mail.",
        ["{}: als Post aufbewahrt.", "{}: guardado como correo.", "{} : gardé comme courrier.", "{}:已存为邮件。"],
    ),
    (
        "Under way; ABOR stops it.",
        ["Es läuft; ABOR hält es an.", "En curso; ABOR lo detiene.", "En cours ; ABOR l'arrête.", "正在进行;ABOR 可中止。"],
    ),
    (
        "{} entries so far.",
        ["Bisher {} Einträge.", "{} entradas hasta ahora.", "{} entrées jusqu'ici.", "目前已处理 {} 个条目。"],
    ),
    ("Good-bye.", ["Auf Wiedersehen.", "Adiós.", "Au revoir.", "再见。"]),
    ("Password, please.", ["Bitte das Passwort.", "Contraseña, por favor.", "Mot de passe, s'il vous plaît.", "请输入密码。"]),
    (
        "Anonymous access, if it is allowed here: send your e-mail address as the password.",
        [
            "Anonymer Zugang, falls hier erlaubt: bitte die E-Mail-Adresse als Passwort senden.",
            "Acceso anónimo, si aquí se permite: envíe su dirección de correo como contraseña.",
            "Accès anonyme, s'il est permis ici : envoyez votre adresse électronique comme mot de passe.",
            "如果此处允许匿名访问,请以电子邮件地址作为密码。",
        ],
    ),
    ("Welcome, {}.", ["Willkommen, {}.", "Bienvenido, {}.", "Bienvenue, {}.", "欢迎,{}。"]),
    (
        "Name the account to charge: ACCT.",
        [
            "Welches Konto belastet wird, sagt ACCT.",
            "Indique la cuenta con ACCT.",
            "Indiquez le compte avec ACCT.",
            "请用 ACCT 指定账户。",
        ],
    ),
    (
        "No account is needed here.",
        [
            "Hier ist kein Konto nötig.",
            "Aquí no hace falta ninguna cuenta.",
            "Aucun compte n'est nécessaire ici.",
            "此处不需要账户。",
        ],
    ),
    ("Here.", ["Hier.", "Aquí.", "Présent.", "在。"]),
    ("Noted.", ["Notiert.", "Anotado.", "C'est noté.", "已记录。"]),
    ("Link made.", ["Verknüpfung angelegt.", "Enlace creado.", "Lien créé.", "链接已创建。"]),
    ("Names are UTF-8.", ["Namen sind UTF-8.", "Los nombres están en UTF-8.", "Les noms sont en UTF-8.", "文件名使用 UTF-8。"]),
    (
        "Only EPSV from now on.",
        ["Ab jetzt nur noch EPSV.", "A partir de ahora solo EPSV.", "Désormais EPSV uniquement.", "从现在起只接受 EPSV。"],
    ),
    (
        "Data connections are protected.",
        [
            "Datenverbindungen sind geschützt.",
            "Las conexiones de datos están protegidas.",
            "Les connexions de données sont protégées.",
            "数据连接已受保护。",
        ],
    ),
    (
        "Data connections are in clear.",
        [
            "Datenverbindungen sind ungeschützt.",
            "Las conexiones de datos no están protegidas.",
            "Les connexions de données sont en clair.",
            "数据连接为明文。",
        ],
    ),
    ("Type is ASCII.", ["Der Typ ist ASCII.", "El tipo es ASCII.", "Le type est ASCII.", "类型为 ASCII。"]),
    (
        "Type is image: bytes as they are.",
        [
            "Der Typ ist Image: Bytes, wie sie sind.",
            "El tipo es imagen: bytes tal cual.",
            "Le type est image : octets tels quels.",
            "类型为二进制:字节保持原样。",
        ],
    ),
    ("Structure is file.", ["Die Struktur ist Datei.", "La estructura es archivo.", "La structure est fichier.", "结构为文件。"]),
    ("Mode is stream.", ["Der Modus ist Strom.", "El modo es flujo.", "Le mode est flux.", "模式为流。"]),
    ("Mode is block.", ["Der Modus ist Block.", "El modo es bloque.", "Le mode est bloc.", "模式为块。"]),
    ("Mode is compressed.", ["Der Modus ist komprimiert.", "El modo es comprimido.", "Le mode est compressé.", "模式为压缩。"]),
    ("Mode is deflate.", ["Der Modus ist Deflate.", "El modo es deflate.", "Le mode est deflate.", "模式为 deflate。"]),
    (
        "No transfer is running.",
        [
            "Es läuft keine Übertragung.",
            "No hay ninguna transferencia en curso.",
            "Aucun transfert en cours.",
            "没有正在进行的传输。",
        ],
    ),
    ("ABOR done.", ["ABOR ausgeführt.", "ABOR realizado.", "ABOR effectué.", "ABOR 已完成。"]),
    ("Begin TLS.", ["TLS kann beginnen.", "Inicie TLS.", "Commencez TLS.", "请开始 TLS。"]),
    ("Removed.", ["Gelöscht.", "Eliminado.", "Supprimé.", "已删除。"]),
    (
        "Removed, {} entries in all.",
        [
            "Gelöscht, insgesamt {} Einträge.",
            "Eliminado, {} entradas en total.",
            "Supprimé, {} entrées en tout.",
            "已删除,共 {} 项。",
        ],
    ),
    ("Renamed.", ["Umbenannt.", "Renombrado.", "Renommé.", "已重命名。"]),
    (
        "The mount is the root now.",
        [
            "Der Mount ist jetzt die Wurzel.",
            "El montaje es ahora la raíz.",
            "Le montage est maintenant la racine.",
            "该挂载现为根目录。",
        ],
    ),
    (
        "It is there. Now RNTO and its new name.",
        [
            "Es ist da. Nun RNTO und der neue Name.",
            "Existe. Ahora RNTO y el nuevo nombre.",
            "Il existe. Maintenant RNTO et le nouveau nom.",
            "已找到。请用 RNTO 给出新名称。",
        ],
    ),
    (
        "Ready: SITE CPTO names the copy.",
        [
            "Bereit: SITE CPTO nennt die Kopie.",
            "Listo: SITE CPTO indica la copia.",
            "Prêt : SITE CPTO nomme la copie.",
            "就绪:请用 SITE CPTO 给出副本名称。",
        ],
    ),
    (
        "Copied {} bytes to {}.",
        ["{} Bytes kopiert nach {}.", "Copiados {} bytes a {}.", "{} octets copiés vers {}.", "已复制 {} 字节到 {}。"],
    ),
    ("{} holds {} bytes.", ["{} enthält {} Bytes.", "{} contiene {} bytes.", "{} contient {} octets.", "{} 现有 {} 字节。"]),
    (
        "The next transfer is of all bytes.",
        [
            "Die nächste Übertragung umfasst alle Bytes.",
            "La próxima transferencia es de todos los bytes.",
            "Le prochain transfert porte sur tous les octets.",
            "下次传输为全部字节。",
        ],
    ),
    (
        "The next transfer is of bytes {} to {}.",
        [
            "Die nächste Übertragung umfasst die Bytes {} bis {}.",
            "La próxima transferencia es de los bytes {} a {}.",
            "Le prochain transfert porte sur les octets {} à {}.",
            "下次传输为第 {} 至 {} 字节。",
        ],
    ),
    (
        "The next transfer starts at byte {}.",
        [
            "Die nächste Übertragung beginnt bei Byte {}.",
            "La próxima transferencia empieza en el byte {}.",
            "Le prochain transfert commence à l'octet {}.",
            "下次传输从第 {} 字节开始。",
        ],
    ),
    (
        "Opening {} data connection for {} ({} bytes).",
        [
            "Öffne {}-Datenverbindung für {} ({} bytes).",
            "Abriendo conexión de datos {} para {} ({} bytes).",
            "Ouverture de la connexion de données {} pour {} ({} bytes).",
            "正在打开 {} 数据连接:{} ({} bytes)。",
        ],
    ),
    (
        "Opening {} data connection for {}.",
        [
            "Öffne {}-Datenverbindung für {}.",
            "Abriendo conexión de datos {} para {}.",
            "Ouverture de la connexion de données {} pour {}.",
            "正在打开 {} 数据连接:{}。",
        ],
    ),
    (
        "Opening data connection for a listing of {}.",
        [
            "Öffne Datenverbindung für eine Auflistung von {}.",
            "Abriendo conexión de datos para listar {}.",
            "Ouverture de la connexion de données pour lister {}.",
            "正在打开数据连接以列出 {}。",
        ],
    ),
    (
        "Using the open data connection for a listing of {}.",
        [
            "Die offene Datenverbindung dient einer Auflistung von {}.",
            "Se usa la conexión de datos abierta para listar {}.",
            "La connexion de données ouverte sert à lister {}.",
            "使用已打开的数据连接列出 {}。",
        ],
    ),
    (
        "Using the open data connection for {}.",
        [
            "Die offene Datenverbindung dient für {}.",
            "Se usa la conexión de datos abierta para {}.",
            "La connexion de données ouverte sert pour {}.",
            "使用已打开的数据连接传输 {}。",
        ],
    ),
    ("Done: {}.", ["Fertig: {}.", "Hecho: {}.", "Terminé : {}.", "完成:{}。"]),
    ("Stored {}: {}.", ["{} gespeichert: {}.", "{} guardado: {}.", "{} enregistré : {}.", "已存储 {}:{}。"]),
    ("{} bytes would fit.", ["{} Bytes haben Platz.", "Caben {} bytes.", "{} octets tiendraient.", "可容纳 {} 字节。"]),
    ("{} understood.", ["{} verstanden.", "{} entendido.", "{} compris.", "已接受 {}。"]),
    (
        "\"{}\" is the working directory.",
        [
            "\"{}\" ist das Arbeitsverzeichnis.",
            "\"{}\" es el directorio de trabajo.",
            "\"{}\" est le répertoire de travail.",
            "\"{}\" 是当前目录。",
        ],
    ),
    ("\"{}\" created.", ["\"{}\" angelegt.", "\"{}\" creado.", "\"{}\" créé.", "\"{}\" 已创建。"]),
    ("Mode is {}.", ["Die Rechte sind {}.", "Los permisos son {}.", "Les droits sont {}.", "权限为 {}。"]),
    ("Umask is {}.", ["Die Umask ist {}.", "La umask es {}.", "L'umask est {}.", "umask 为 {}。"]),
    (
        "Send EPSV or PASV first (CRK-405).",
        [
            "Zuerst EPSV oder PASV senden (CRK-405).",
            "Envíe primero EPSV o PASV (CRK-405).",
            "Envoyez d'abord EPSV ou PASV (CRK-405).",
            "请先发送 EPSV 或 PASV (CRK-405)。",
        ],
    ),
    (
        "Send USER first (CRK-405).",
        [
            "Zuerst USER senden (CRK-405).",
            "Envíe primero USER (CRK-405).",
            "Envoyez d'abord USER (CRK-405).",
            "请先发送 USER (CRK-405)。",
        ],
    ),
    (
        "You are logged in already (CRK-405).",
        [
            "Schon angemeldet (CRK-405).",
            "Ya ha iniciado sesión (CRK-405).",
            "Vous êtes déjà connecté (CRK-405).",
            "您已登录 (CRK-405)。",
        ],
    ),
    (
        "RNFR comes right before RNTO (CRK-405).",
        [
            "RNFR kommt unmittelbar vor RNTO (CRK-405).",
            "RNFR va justo antes de RNTO (CRK-405).",
            "RNFR précède immédiatement RNTO (CRK-405).",
            "RNFR 必须紧接在 RNTO 之前 (CRK-405)。",
        ],
    ),
    (
        "SITE CPFR comes first (CRK-405).",
        [
            "Zuerst kommt SITE CPFR (CRK-405).",
            "Primero va SITE CPFR (CRK-405).",
            "SITE CPFR vient d'abord (CRK-405).",
            "请先发送 SITE CPFR (CRK-405)。",
        ],
    ),
    (
        "PBSZ comes first (CRK-405).",
        [
            "Zuerst kommt PBSZ (CRK-405).",
            "Primero va PBSZ (CRK-405).",
            "PBSZ vient d'abord (CRK-405).",
            "请先发送 PBSZ (CRK-405)。",
        ],
    ),
];
