# Replies in Chinese. What a text is filled with bears the name that it has in en.ftl.

## Welcome and account

ready = Carrack 已就绪。
ready-again = 可供新用户登录。
good-bye = 再见。
password-please = 请输入密码。
anonymous-password = 如果此处允许匿名访问,请以电子邮件地址作为密码。
welcome = 欢迎,{ $user }。
account-needed = 请用 ACCT 指定账户。
account-not-needed = 此处不需要账户。
user-first = 请先发送 USER ({ $code })。
logged-in-already = 您已登录 ({ $code })。
user-pass-first = 请先发送 USER 和 PASS({ $code })。
log-in-first = 请先登录({ $code })。
auth-tls-first = 请先发送 AUTH TLS。
prot-p-first = 请先发送 PROT P。
host-before-user = HOST 须在 USER 之前({ $code })。
rein-auth-tls-first = 请先发送 REIN 和 AUTH TLS。
send-auth-gssapi-first = 请先发送 AUTH GSSAPI。
rein-auth-gssapi-first = 请先发送 REIN 和 AUTH GSSAPI。

## Commands

here = 在。
noted = 已记录。
no-such-command = 没有此命令({ $code })。
no-options = 该命令没有选项({ $code })。
help-commands = 命令(* 表示未提供):
site-commands = SITE 命令:
help-more = HELP 加命令名可查看说明;更多见 SITE HELP。
picture-size = 宽和高应为 1 至 { $side }({ $code })。
expected-ended = 正确形式:{ $form }({ $code })。
expected = 正确形式:{ $form }({ $code })

## Protection

data-protected = 数据连接已受保护。
data-in-clear = 数据连接为明文。
begin-tls = 请开始 TLS。
pbsz-first = 请先发送 PBSZ ({ $code })。
no-tls = 此处没有 TLS({ $code })。
mechanisms = 可用的机制是 TLS 和 GSSAPI({ $code })。
mechanism-gssapi = 可用的机制是 GSSAPI({ $code })。
mechanism-tls = 可用的机制是 TLS({ $code })。
protected-already = 连接已受保护({ $code })。
clear-until-rein = CCC 之后连接保持明文,直到 REIN({ $code })。
protection-stays = CCC 之后数据保护方式不变({ $code })。
auth-first = 须先发送 AUTH({ $code })。
auth-gssapi-first = 须先发送 AUTH GSSAPI({ $code })。
adat-first = 须先完成 AUTH GSSAPI 和 ADAT,且每条命令只封装一次({ $code })。
send-adat = 请发送 ADAT。
exchange-done = 安全交换已完成。
buffers-least = 缓冲区至少为 { $bytes } 字节({ $code })。
tls-levels = TLS 只有完全保护(P)或不保护(C)({ $code })。
levels-two = 保护级别为 C 和 P({ $code })。
levels-four = 保护级别为 C、S、E 和 P({ $code })。
not-protected = 连接未受保护({ $code })。
ccc-after-login = CCC 须在登录之后({ $code })。
control-in-clear = 控制连接改为明文继续。
data-safe = 数据连接可防篡改。

## Data connections

only-epsv = 从现在起只接受 EPSV。
understood = 已接受 { $verb }。
passive-first = 请先发送 EPSV 或 PASV ({ $code })。
pasv-ipv4 = PASV 仅用于 IPv4:请用 EPSV({ $code })。
no-ipv4 = 没有可通告的 IPv4 地址:请用 EPSV({ $code })。
spdt-first = SPDT 须是连接的第一条命令({ $code })。
key-unknown = 没有发放过该密钥({ $code })。
family-coded = 请使用控制连接的地址族({ $family })({ $code })。
family = 请使用控制连接的地址族({ $family })。

## Representation

names-utf8 = 文件名使用 UTF-8。
type-image = 类型为二进制:字节保持原样。
structure-file = 结构为文件。
mode-stream = 模式为流。
mode-block = 模式为块。
mode-compressed = 模式为压缩。
mode-deflate = 模式为 deflate。
eight-bits = 此处字节为 8 位:TYPE L 8。
structure-record = 结构为记录:一条记录即一行。
structure-page = 结构为页。
bodies = 在 MODE B 下,每条存储命令之后紧跟其内容。
names-always-utf8 = 名称始终为 UTF-8({ $code })。
pictures = 可用 JPEG 和 PNG。
type-ascii = 类型为 ASCII。
type-ebcdic = 类型为 EBCDIC,代码页 { $page }。
type-ascii-controls = 类型为 ASCII{ $controls }。

## Transfers

no-transfer = 没有正在进行的传输。
abor-done = ABOR 已完成。
range-all = 下次传输为全部字节。
range = 下次传输为第 { $first } 至 { $last } 字节。
starts-at = 下次传输从第 { $first } 字节开始。
under-way = 正在进行;ABOR 可中止。
no-restart = 在此 STRU 和 MODE 下无法续传({ $code })。
rang-image = RANG 与 RETR 须用 TYPE I 和 STRU F({ $code })。
rang-no-upload = RANG 用于 RETR 和摘要:上传续传请用 REST({ $code })。
rest-image = REST 与 STOR 须用 TYPE I 和 STRU F,或 MODE B({ $code })。
would-fit = 可容纳 { $bytes } 字节。
had-moved = 已传输 { $bytes } 字节。
removed-entries = 已删除,共 { $entries } 个条目。
entries-so-far = 目前已处理 { $entries } 个条目。
no-further = 到此为止。
size-stru-f = SIZE 仅用于 STRU F({ $code })。
size-type-i = 在 TYPE A 下只计算不超过 { $bytes } 字节的文件:请用 TYPE I({ $code })。
suspect = 发送方称其中一部分可疑。
picture-of = 正在为 { $path } 的缩略图打开 { $kind } 数据连接。
opening-sized = 正在打开 { $kind } 数据连接:{ $path } ({ $bytes } bytes)。
opening-listing = 正在打开数据连接以列出 { $path }。
opening = 正在打开 { $kind } 数据连接:{ $path }。
using-listing = 使用已打开的数据连接列出 { $path }。
using = 使用已打开的数据连接传输 { $path }。
done-rate = 完成:{ $bytes } 字节,用时 { $seconds } 秒({ $rate } MiB/s)。
done = 完成:{ $bytes } 字节。
stored-rate = 已存储 { $path }:{ $bytes } 字节,用时 { $seconds } 秒({ $rate } MiB/s)。
stored = 已存储 { $path }:{ $bytes } 字节。

## Files and folders

link-made = 链接已创建。
removed = 已删除。
renamed = 已重命名。
mount-is-root = 该挂载现为根目录。
rename-from = 已找到。请用 RNTO 给出新名称。
copy-from = 就绪:请用 SITE CPTO 给出副本名称。
copied = 已复制 { $bytes } 字节到 { $path }。
holds = { $path } 现有 { $bytes } 字节。
working-directory = "{ $path }" 是当前目录。
created = "{ $path }" 已创建。
rnfr-first = RNFR 必须紧接在 RNTO 之前 ({ $code })。
cpfr-first = 请先发送 SITE CPFR ({ $code })。

## Lists of lines

status-of = { $path } 的状态:
facts-of = { $path } 的属性:
end = 结束。
end-cut = 结束(未完整):{ $cause }。
state-of-session = 会话状态:
connected-from = 连接来自 { $address }
connected-to = 连接到 { $address }
logged-in-as = 已登录为 { $user }
virtual-host = 虚拟主机 { $host }
ticket-of = 票据属于 { $user }
client-says = 客户端自称 { $client }
starts-at-line = 下次传输从第 { $first } 字节开始
closed-after-line = 静默 { $seconds } 秒后关闭
closed-after = 静默 { $seconds } 秒后关闭。
closed-after-at-most = 静默 { $seconds } 秒后关闭;最多 { $most } 秒。
so-far = { $what }:目前 { $bytes } 字节。
transfer-ended = 传输已结束:{ $bytes } 字节。
data-default = 数据:发往控制连接的端口
data-control-port = 数据:在控制端口等候
data-open = 数据:连接已打开
data-none = 数据:尚未设置
both-clear = 本连接为明文,数据连接为明文
clear-and-protected = 本连接为明文,数据连接受 { $mechanism } 保护
protected-and-clear = 本连接受 { $mechanism } 保护,数据连接为明文
both-protected = 本连接受 { $mechanism } 保护,数据连接受 { $other } 保护
not-logged-in = 未登录
no-transfer-line = 没有正在进行的传输
data-to = 数据:发往 { $address }
data-awaited = 数据:在 { $address } 等候

## SITE

mode-bits = 权限为 { $bits }。
umask = umask 为 { $bits }。
quota-of = { $bytes } 字节中有 { $free } 字节可用。
quota-free = { $bytes } 字节可用。
quota-none = 没有限制。
usage = { $bytes } 字节,{ $files } 个文件,{ $folders } 个文件夹。
who-is-here = 在线用户:
in-all = 共 { $sessions } 个

## Mail and messages

text-please = 请发送正文;仅含一个句点的行表示结束。
text-kept = 正文已保留;请指定收件人。
kept-as-mail = { $user }:已存为邮件。
recipients-please = 请先指定收件人({ $code })。
no-scheme = 无方案。
schemes = R 先收件人;也支持 T。
recipients-first = 先收件人,后正文。
text-first = 先正文,后收件人。
scheme-please = 请先选择方案:R 或 T({ $code })。
send-text-first = 请先发送正文({ $code })。
reached-of = 已送达 { $reached }/{ $recipients }。
sent-session-kept = { $user }:已发送到 1 个会话并存为邮件。
sent-sessions-kept = { $user }:已发送到 { $sessions } 个会话并存为邮件。
sent-session = { $user }:已发送到 1 个会话。
sent-sessions = { $user }:已发送到 { $sessions } 个会话。

## Why something was refused; the English stands with the reason

CRK-101 = 用户名或密码错误
CRK-102 = 该地址因登录失败次数过多而被封禁
CRK-103 = 此处不接受来自其他机器的明文密码
CRK-104 = 服务器会话数已达上限
CRK-105 = 该地址会话数已达上限
CRK-106 = 该用户会话数已达上限
CRK-107 = 此连接登录失败次数过多
CRK-108 = 用户已被禁用或删除
CRK-109 = 该地址不得连接到此处,或不得以该用户身份连接
CRK-110 = 没有该名称的虚拟主机
CRK-111 = 服务器正在关闭
CRK-112 = 空闲时间过长
CRK-113 = 未在规定时间内登录
CRK-114 = 管理员已关闭会话
CRK-115 = 服务器的描述符或内存不足以再开一个会话
CRK-116 = 该用户没有此名称的账户
CRK-117 = 此处登录必须受保护
CRK-201 = 没有此文件或文件夹
CRK-202 = 该名称已存在
CRK-203 = 路径或其中一部分不是文件夹
CRK-204 = 这是文件夹,不是文件
CRK-205 = 文件夹不为空
CRK-206 = 这既不是文件也不是文件夹
CRK-207 = 符号链接指向目录树之外
CRK-208 = 符号链接形成循环
CRK-209 = 名称过长
CRK-210 = 此处不能使用该名称
CRK-211 = 用户权限不允许此操作
CRK-212 = 存储拒绝了服务器的请求
CRK-213 = 此处为只读
CRK-214 = 存储空间已满
CRK-215 = 用户配额已用完
CRK-216 = 文件超过该用户允许的大小
CRK-217 = 文件正被占用
CRK-218 = 此存储不支持该操作
CRK-219 = 两个名称位于不同的挂载
CRK-220 = 存储发生故障
CRK-221 = 起始位置超出文件末尾
CRK-222 = 该用户传输数已达上限
CRK-223 = 上传在达到声明的字节数之前结束
CRK-224 = 条目数超过一次答复的上限
CRK-225 = 已取消
CRK-226 = 该用户没有此挂载
CRK-227 = 这是挂载点
CRK-228 = 审计日志无法再写入条目
CRK-229 = 文件在发送过程中变短
CRK-230 = 服务器的传输缓冲区被占用过久
CRK-301 = 客户端从未建立数据连接
CRK-302 = 客户端拒绝了数据连接
CRK-303 = 无法从此处到达客户端地址
CRK-304 = 该地址不是控制连接的地址
CRK-305 = 数据连接停滞过久
CRK-306 = 客户端中断了数据连接
CRK-307 = 该地址没有可用的被动端口
CRK-308 = 拒绝连接到 1024 以下端口的数据连接
CRK-309 = EPSV ALL 之后只能用 EPSV 建立数据连接
CRK-310 = 该地址族与控制连接不同
CRK-311 = 向外部客户端通告了私有地址
CRK-312 = 此处已关闭主动模式
CRK-313 = 此处已关闭被动模式
CRK-314 = 此处数据连接必须受保护
CRK-315 = 数据连接没有恢复控制连接的 TLS 会话
CRK-316 = 数据连接未以 TLS 关闭通知结束,末尾可能缺失
CRK-317 = 数据连接的 TLS 握手失败
CRK-318 = 数据连接上的 TLS 记录与发送方加密的内容不符
CRK-340 = 内容在其结束标记之前中断
CRK-341 = 内容的分帧与模式和结构不符
CRK-342 = 压缩内容已损坏
CRK-343 = 记录中含有此处用于结束记录的字节(LF)
CRK-344 = 页头不符合 STRU P,或缺少页
CRK-345 = 重启标记为空、超过 64 字节或不可打印
CRK-346 = 内容结束之后还有字节
CRK-347 = 不是此处可读的图片类型,或图片已损坏
CRK-348 = 图片过大,无法缩小
CRK-401 = 命令行过长
CRK-402 = 命令中含有 NUL 或名称不允许的控制字符
CRK-403 = 没有此命令
CRK-404 = 参数格式不正确
CRK-405 = 此处不能使用该命令
CRK-406 = 请先登录
CRK-407 = 该命令已知但未提供
CRK-408 = 不支持该参数
CRK-409 = 传输之后等待的命令过多
CRK-410 = 客户端过久未读取答复
CRK-603 = 在握手之前,AUTH 之后出现了明文
CRK-610 = 服务器目前没有可用的证书
CRK-611 = 控制连接未能恢复为明文
CRK-612 = 此处控制连接不得恢复为明文
CRK-750 = 该用户不得向他人发送消息
CRK-751 = 没有可接收消息的此名用户
CRK-752 = 该用户没有可显示消息的会话
CRK-753 = 等待该用户的消息过多
CRK-754 = 消息超过允许的大小
CRK-755 = 此处不保存邮件
CRK-756 = 此处不提供旧式邮件命令
CRK-757 = 消息的收件人数已达上限
CRK-950 = 不是有效的 base64
CRK-951 = 安全令牌无效
CRK-952 = 安全交换之后命令必须受保护
CRK-953 = 发起的安全交换过多
CRK-954 = 该主体不得以此用户身份登录
CRK-955 = 数据连接上的内容未按 PROT 的约定受到保护
