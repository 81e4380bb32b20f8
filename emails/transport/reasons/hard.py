"""Words that say that a recipient, or its domain, does not exist or takes no mail any more. A table."""

from __future__ import annotations

from emails.transport.reasons.certain import GAP, NOUN
from emails.transport.reasons.rule import Outcome, Rule, rule

_MISSING = (
    r"(?:unknown|not[ -]found|not be found|not(?: been)? exist\w*|does ?n[o'’]?t exist|do(?:es)? not exist|nonexist\w*|"
    r"non-exist\w*|was ?n[o'’]t found|couldn[’']t be found|can(?:no|')t be found|not (?:a )?(?:known|recogni[sz]ed|"
    r"listed|local|valid)|"
    r"is(?:n['’]t| not) (?:a )?valid|(?:is |was |are |appears? )?(?:to be )?invalid|unrecogni[sz]ed|undefined|"
    r"incorrect|"
    r"no longer (?:exists?|valid|on (?:this|the|our)|works?|employed|with us)|never existed|not on this server|"
    r"not (?:been )?(?:registered|defined|configured|present)|not present|isn['’]t (?:in|on) (?:our|the|this)|"
    r"wasn['’]t found)"
)
_CLOSED = (
    r"(?:disabled|deactivated|de-activated|inactive|closed|discontinued|terminated|cancel+ed|deleted|removed|expired|"
    r"not active(?:ated)?|no longer (?:available|active|in use|in service|accept\w*|receiv\w*)|retired|decommissioned|"
    r"has been shut|unsubscribed|abandoned|dormant)"
)

HARD: tuple[Rule, ...] = (
    rule(
        Outcome.HARD,
        "unknown_host",
        r"nx ?domain|(?:unknown|no such|nonexistent|non-existent|bad) (?:\S+ )?(?:host|domain)|(?:host|domain|"
        r"server)(?: name)?(?: \S+){0,5}? (?:is |was )?(?:unknown|not found|invalid|does(?:n[o'’]?t| not) exist|"
        r"could not be found|couldn['’]t be found|nonexist\w*|non-exist\w*|not (?:be )?resolve\w*|has no mail|"
        r"isn['’]t valid)",
        r"(?:couldn['’]t|could not|cannot|can't|unable to) (?:\S+ )?find (?:\S+ ){0,3}(?:host|domain|"
        r"mail exchanger|mx)|no (?:mx|mail exchanger|valid mx|mail server)s?\b(?: \S+){0,2}? (?:record|host|found|"
        r"for|exist)|mx records? (?:\S+ ){0,4}(?:non-?existent|not found)|"
        r"unrout\w+ (?:mail )?domain|name or service not known|no address associated|domainnonexistent|"
        r"nodename nor servname",
        r"\bnull ?mx\b|domain (?:\S+ ){0,4}(?:does not accept|accepts no|doesn't accept) (?:any )?(?:mail|e-?mail|"
        r"messages)|indicated no (?:smtp|mail) service",
        r"(?:domain|host|domäne|hostname|domaine|dominio|domínio|domein)\b.{0,50}?(?:existiert nicht|"
        r"nicht gefunden|unbekannt|n['’]existe pas|introuvable|inconnu|no existe|desconocid|no encontrad|"
        r"non esiste|inesistente|sconosciut|não existe|bestaat niet|onbekend)",
        r"(?:домен\w*)\b.{0,40}?(?:не существует|не найден)",
        r"ドメイン.{0,20}?(?:存在しません|見つかりません)|域名.{0,10}?不存在",
    ),
    rule(
        Outcome.HARD,
        "disabled",
        rf"{NOUN}{GAP}(?:is |was |are |has been |have been |been )?(?:permanently )?{_CLOSED}\b",
        rf"\b(?:disabled|deactivated|inactive|closed|discontinued|terminated|expired|deleted|"
        rf"cancel+ed) (?:\S+ )?{NOUN}\b",
        r"recipient has (?:moved|left)|user (?:\S+ )?has moved|no longer (?:employed|works?|with the company)|"
        r"has left (?:the |our )?(?:company|organi[sz]ation)|moved (?:and left )?(?:no|"
        r"without) (?:forwarding )?address",
        r"(?:postfach|konto|mailbox|benutzer\w*|account)\b.{0,40}?(?:deaktiviert|gelöscht|geschlossen|gekündigt|"
        r"aufgelöst|abgemeldet)|(?:compte|bo[iî]te|adresse)\b.{0,40}?(?:désactivé|fermé|supprimé|clôturé|résilié)|"
        r"(?:cuenta|buz[óo]n|dirección)\b.{0,40}?(?:desactivad|deshabilitad|inhabilitad|cerrad|eliminad|cancelad|"
        r"dad[oa] de baja)|(?:account|casella|utenza|indirizzo)\b.{0,40}?(?:disattivat|disabilitat|chius|cancellat|"
        r"cessat|eliminat)|"
        r"(?:conta|caixa|endereço)\b.{0,40}?(?:desativad|desabilitad|encerrad|cancelad|excluíd)|(?:ящик|аккаунт|"
        r"адрес)\b.{0,40}?(?:отключ|удал[её]н|заблокирован владельц|деактивир)|(?:konto|"
        r"skrzynk\w*)\b.{0,40}?(?:usunięt|zamknięt|wyłączon|nieaktywn)",
    ),
    rule(
        Outcome.HARD,
        "unknown_user",
        rf"(?:{NOUN}|someaddress)(?:{GAP}|[\s\W]{{1,6}}){_MISSING}",
        rf"\b(?:no such|unknown|invalid|non[ -]?existent|nonexist\w+|nonexisting|not a valid|not a known|"
        rf"not an? existing|undeliverable|unrecogni[sz]ed|unresolvable|unrout\w+|incorrect|illegal|"
        rf"wrong) (?:\S+ ){{0,2}}?{NOUN}\b",
        rf"\bno (?:such )?(?:valid |local |matching )?(?:{NOUN}|one|body|body here|person|employee|"
        rf"name)\b(?: \S+){{0,3}}? (?:here|by that|by this|with (?:that|this)|named|called|found|for|on this|"
        rf"at this|exists?|in (?:the|our|this))|\bno (?:mailbox|such (?:\S+ )?(?:user|account|mailbox|address|"
        rf"recipient|person|alias|entry|name))\b|has no (?:mailbox|account|such)",
        rf"there is no (?:such )?(?:one|user|{NOUN})|(?:is|are) not (?:a |an |one of |our )?(?:valid |known |our |"
        rf"existing |active |registered )?{NOUN}\b|not our (?:customer|user)|(?:do(?:es)? ?n[o'’]?t|did(?:n't|"
        rf" not)|doesn['’]t) have (?:an?|any) (?:\S+ ){{0,3}}?(?:account|mailbox|address|user)\b",
        r"\bunknown (?:to|here|at|in|on) (?:this|our|us|the|here)|not known (?:here|to|at|by|on)|user ?unknown|"
        r"unknown ?(?:user|recipient)|recipnotfound|recipientnotfound|recipientunknown|\badr\.\w*(?:recip|"
        r"inval)\w*|recipient not found|nosuchuser|no_such_user|nouser\b|usernotfound|badaddress|"
        r"bad (?:destination|recipient|mailbox|e-?mail) (?:\S+ )?address|"
        r"bad ?rcpt ?to|user missing|bad destination|who are you (?:looking|trying) for|(?:wasn['’]t|was not|"
        r"not) found at (?:\S+|the destination)|"
        r"wasn['’]t found|could(?:n['’]t| not) be found or|address (?:is )?(?:not found|couldn't be found)|"
        r"not a valid (?:e-?mail )?address|not a (?:valid|known|real) (?:user|mailbox|recipient|account)|"
        r"recipient name is not recogni[sz]ed|e-?mail account (?:\S+ )?does not exist|is not listed in|"
        r"not listed in (?:the )?(?:public|domino|address|directory|lotus|our|this)|unrout(?:e?able) address|"
        r"undeliverable (?:\S+ )?address|address (?:lookup|rejected\W*$)|^\W*#?5\.1\.0 address rejected|"
        r"not (?:a )?local (?:user|mailbox|address)|(?:mailbox|user|account) (?:is )?not (?:here|available on|"
        r"local)|000c05a6|validrcptto|in name directory|(?:recipient|destination) domain must exist",
        r"(?:empfänger\w*|benutzer\w*|adress\w*|postfach|mailbox|konto|nutzer\w*|teilnehmer\w*|"
        r"e-?mail-?adresse)\b.{0,60}?(?:unbekannt|existiert nicht|nicht (?:bekannt|gefunden|vorhanden|existier|"
        r"gültig|zugestellt werden, da|registriert)|gibt es nicht|ungültig)|unbekannte[rs]? (?:empfänger|benutzer|"
        r"nutzer|adress)|kein (?:solcher |solches )?(?:benutzer|postfach|empfänger)",
        r"(?:adresse|destinataire|utilisateur|compte|bo[iî]te|usager|abonné)\b.{0,60}?(?:inconnue?|introuvable|"
        r"n['’]existe p|inexistante?|non trouvée?|n['’]est pas (?:valide|connu)|invalide|erronée?)|(?:utilisateur|"
        r"destinataire|adresse) inconnu",
        r"(?:usuario|buz[óo]n|cuenta|direcci[óo]n|destinatario|casilla)\b.{0,60}?(?:desconocid|no existe|"
        r"inexistente|no (?:se )?(?:ha |ha sido |fue |pudo )?encontr|no (?:es )?v[áa]lid|inv[áa]lid)|"
        r"no se (?:ha )?(?:encontró|encontrado) (?:la |el )?(?:direcci|usuario|destinatario)|usuario desconocido|"
        r"no existe (?:\S+ ){0,2}(?:usuario|persona|cuenta|buz[óo]n|destinatari|direcci)",
        r"(?:utente|casella|indirizzo|destinatario|account)\b.{0,60}?(?:sconosciut|inesistente|non esist|"
        r"non (?:è stat[oa] )?trovat|non (?:è )?valid|non corrett|errat)|utente sconosciuto|nessun utente|"
        r"destin\w*\.? sconosciut",
        r"(?:usu[áa]rio|utilizador|conta|caixa|endere[çc]o|destinat[áa]rio)\b.{0,60}?(?:desconhecid|n[ãa]o exist|"
        r"inexistente|n[ãa]o (?:foi )?encontrad|inv[áa]lid)",
        r"(?:gebruiker|ontvanger|adres|postbus|mailbox|account|geadresseerde)\b.{0,60}?(?:onbekend|bestaat niet|"
        r"niet (?:gevonden|bekend|bestaand)|ongeldig)|onbekende (?:gebruiker|ontvanger)",
        r"(?:användar\w*|mottagar\w*|adress\w*|bruger\w*|modtager\w*|mottaker\w*|konto\w*|postkass\w*|"
        r"brevlåd\w*)\b.{0,60}?(?:okänd|ukendt|ukjent|finns inte|findes ikke|finnes ikke|existerar inte|"
        r"eksisterer ikke|hittades inte|ikke fundet|ikke funnet|ogiltig|ugyldig)",
        r"(?:użytkownik\w*|odbiorc\w*|adres\w*|skrzynk\w*|konto|adresat\w*)\b.{0,60}?(?:nieznan|nie istnieje|"
        r"nie (?:został\w* )?znalezion|nieprawidłow)|nie ma takiego|nieznany (?:użytkownik|adresat|odbiorca)",
        r"(?:uživatel\w*|příjemc\w*|adres\w*|schránk\w*|účet)\b.{0,60}?(?:neznám|neexist|nenalezen|neplatn)|"
        r"(?:používateľ|príjemca|schránka)\b.{0,40}?(?:neexist|neznám)",
        r"(?:пользовател\w*|адрес\w*|получател\w*|ящик\w*|аккаунт\w*|уч[её]тн\w*|користувач\w*|скринь\w*|"
        r"одержувач\w*)\b.{0,60}?(?:не существует|не найден|неизвест|отсутству|не зарегистр|не існує|не знайден|"
        r"невідом)|нет такого (?:пользователя|адреса|ящика|получателя)|недействительн\w+ адрес",
        r"(?:kullanıcı|alıcı|adres\w*|hesap|posta kutusu)\b.{0,40}?(?:bulunamad|bilinmiyor|mevcut değil|geçersiz)|"
        r"(?:felhasználó|címzett|postafiók|cím)\b.{0,40}?(?:ismeretlen|nem létez|nem található|érvénytelen)|"
        r"(?:utilizator\w*|destinatar\w*|adres[ăa]|cont\w*|căsuț\w*)\b.{0,40}?(?:necunoscut|nu exist|inexistent|"
        r"nu a fost găsit)",
        r"(?:käyttäjä\w*|vastaanottaja\w*|osoite\w*|osoitetta|postilaatik\w*|tili\w*)\b.{0,40}?(?:tuntematon|"
        r"ei ole olemassa|ei löy|virheellinen)|(?:χρήστης|παραλήπτης|διεύθυνση|γραμματοκιβώτιο|"
        r"λογαριασμός)\b.{0,40}?(?:δεν υπάρχει|δεν βρέθηκε|άγνωστ|ανύπαρκτ)",
        r"(?:宛先|あて先|送信先|メールアドレス|アドレス|ユーザー?|受信者|利用者).{0,25}?(?:見つかりません|存在しません|不明|ありません|間違|存在しない|見つからない)|"
        r"存在しない(?:メール)?アドレス|宛先不明|ユーザー?不明",
        r"(?:用户|用戶|收件人|邮箱|郵箱|信箱|地址|帐号|账号|帳號|帐户).{0,12}?(?:不存在|未找到|无效|無效|找不到|没有找到|不正确)|查无此人|查無此|(?:사용자|수신자|주소|계정|"
        r"메일함|편지함).{0,15}?(?:존재하지|없습니다|없는|찾을 수 없|알 수 없)",
    ),
    rule(
        Outcome.HARD,
        "mailbox_unavailable",
        r"(?:action (?:not taken|aborted)\W+)?mailbox (?:is )?unavailable(?!.{0,40}(?:policy|restrict|try|later|busy))",
        r"access denied.{0,20}as\(201806\d+\)|recipient address rejected\W+access denied.{0,160}\.outlook\.com|"
        r"550 5\.4\.1 (?:\S+ )?recipient address rejected\W+access denied",
    ),
)
