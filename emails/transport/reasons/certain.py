"""Words that never say that a recipient does not exist: they outvote the words beside them. A table."""

from __future__ import annotations

from emails.transport.reasons.rule import Outcome, Rule, rule

NOUN = (
    r"(?:users?|recipients?|(?:e-?)?mail ?box(?:es)?|accounts?|addressees?|address(?:es)?|customers?|subscribers?|"
    r"inbox|"
    r"login|person|local[ -]?part|alias|mail ?drop|name|contact|mail ?name|e-?mail id|userid)"
)
# up to five words of the same sentence
# separators and words share no character, or matching takes exponential time
_BETWEEN = r"[\s\"'<>()\[\],=:-]"
GAP = rf"(?:{_BETWEEN}{{1,6}}[^\s\"'<>()\[\],=:.;-]{{1,40}}){{0,5}}?{_BETWEEN}{{1,6}}"

CERTAIN: tuple[Rule, ...] = (
    rule(
        Outcome.SOFT,
        "recipient_rate",
        rf"{NOUN}{GAP}receiving (?:mail|messages?|e-?mails?|too)",
        r"receiving (?:mail|messages) (?:at a rate|too (?:quickly|fast|often))",
        r"recipient (?:\S+ ){0,3}(?:message )?(?:rate|receiving) limit",
    ),
    rule(
        Outcome.BLOCKED,
        "sending_limit",
        r"(?:daily|hourly|monthly|weekly|per[ -]?(?:day|hour|minute)) .{0,40}(?:limit|quota|maximum|allowance)",
        r"(?:your|sending|outgoing|outbound|relay|sender|smtp|connection)(?: \S+){0,3} (?:rate|limit|quota|"
        r"threshold)s?\b",
        r"(?:exceed\w*|reach\w*|over|above) (?:\S+ ){0,5}(?:sending|message|messages|mail|connection|connections|"
        r"rate|recipient|recipients|hourly|daily)"
        r"(?: (?!size\b)\S+){0,2} (?:limit|limits|quota|threshold|rate|per)\b",
    ),
    rule(
        Outcome.SOFT,
        "full",
        r"over ?-?quota|quota[ -](?:exceed\w*|full|violation|limit|reached|is)|(?:exceed\w*|over|out of|reach\w*|"
        r"above|beyond|used up) (?:\S+ ){0,4}"
        r"(?:quota|storage|allocation|allotment|mailbox size|disk space|disk usage|capacity|space)",
        r"(?:quota|storage|space|capacity|(?<!message )(?<!mail )size) (?:\S+ ){0,4}"
        r"(?:exceed\w*|used up|reached|exhausted|full|over|is full)",
        r"(?:mail ?box|in ?box|account|user|recipient|folder|mail ?drop|disk|mail ?file|store|storage|"
        rf"drop ?box){GAP}(?:is |was |are )?"
        r"(?:too |currently |almost )?(?:full|over ?full|over quota|out of space|too large|exceeded|exceeds)\b",
        r"\bfull (?:mail ?box|inbox|disk|quota)|\bmailfull\b|\b(?:mail|user)box_?full\b|no (?:more )?(?:space|"
        r"room) (?:left|for|in|on)|not enough (?:\S+ ){0,3}(?:space|room|storage)|"
        r"insufficient (?:\S+ ){0,3}(?:space|storage|quota|room)|too much mail data|disk ?quota|quotaexceeded|"
        r"outofstorage|out of storage|too many messages (?:on|in) (?:the|this|your)|"
        r"can(?:no|')t (?:hold|accept|receive) (?:any )?(?:more|further) (?:mail|messages|e-?mail)",
        r"(?:postfach|mailbox|konto|speicher\w*|kontingent|quota|posteingang)\W.{0,60}?(?:\bvoll\b|überfüllt|"
        r"überschritten|erschöpft|ausgeschöpft|"
        r"aufgebraucht|überlaufen|belegt|erreicht)|(?:volles|überfülltes) postfach|kein(?:en)? (?:freier |"
        r"freien )?(?:speicher\w*|platz)|"
        r"nicht (?:genug|genügend|ausreichend\w*) (?:\S+ )?(?:speicher\w*|platz)",
        r"(?:bo[iî]te|quota|espace|messagerie|compte|capacité)\b.{0,60}?(?:plein|dépass|satur|insuffisant|atteint|"
        r"épuis)",
        r"(?:buz[óo]n|cuenta|casilla|bandeja|cuota|espacio|almacenamiento)\b.{0,60}?(?:llen[oa]|exced|superad|"
        r"agotad|insuficiente|sin espacio|complet)|"
        r"sin espacio|no (?:tiene|hay) (?:\S+ )?espacio",
        r"(?:casella|spazio|quota|mailbox|memoria)\b.{0,60}?(?:\bpien[ao]\b|superat|esaurit|raggiunt|insufficient|"
        r"satur|esced)|superato (?:lo spazio|la quota|il limite)",
        r"(?:caixa|cota|espaço|quota|conta|armazenamento)\b.{0,60}?(?:chei[ao]|exced|esgotad|lotad|insuficiente|"
        r"ultrapass|sem espaço)|sem espaço",
        r"(?:postbus|mailbox|postvak|inbox|quotum|opslag\w*)\b.{0,40}?(?:\bvol\b|overschreden|bereikt|onvoldoende)|"
        r"volle (?:postbus|mailbox)",
        r"(?:postlåd\w*|inkorg\w*|brevlåd\w*|postkass\w*|innboks\w*|indbakk\w*|mailbox|kvot\w*|lagring\w*|"
        r"konto)\b.{0,40}?(?:\bfull\w*|\bfuld\w*|överskrid\w*|overskred\w*)",
        r"(?:skrzynk\w*|limit\w*|kont\w*|pojemno\w*|miejsc\w*)\b.{0,40}?(?:pełn|przepełn|zapełn|przekrocz|wyczerp)|"
        r"brak miejsca",
        r"(?:schránk\w*|kvót\w*|mailbox)\b.{0,40}?(?:pln[áéý]|překroč|přepln|prekroč|zaplne)",
        r"(?:ящик|квот\w*|мест\w*|хранилищ\w*|скриньк\w*)\b.{0,60}?(?:переполн|заполн|превыш|исчерпан|перевищ|"
        r"недостаточно)|переполнен\w*|нет (?:свободного )?места",
        r"(?:postafiók\w*|kvót\w*|tárhely\w*)\b.{0,40}?(?:megtelt|betelt|tele\b|túllép)|(?:cutia|căsuța|cota|"
        r"spațiul)\b.{0,40}?(?:plin|depăși)",
        r"(?:postilaatik\w*|kiintiö\w*|sähköposti\w*)\b.{0,40}?(?:täynnä|täysi|ylit)|(?:posta kutusu|gelen kutusu|"
        r"kota)\b.{0,40}?(?:dolu|dolmuş|aşıl|doldu)",
        r"(?:γραμματοκιβώτιο|θυρίδα|όριο|χώρος)\b.{0,40}?(?:πλήρ|γεμάτ|υπέρβ|ξεπερ)",
        r"(?:メールボックス|受信箱|容量|ディスク).{0,30}?(?:一杯|いっぱい|満杯|超え|超過|不足|オーバー)|容量(?:不足|オーバー)",
        r"(?:邮箱|信箱|郵箱|空间|空間|容量).{0,15}?(?:已满|已滿|满了|不足|超出|超过|超過|满)|配额|(?:메일함|사서함|용량|저장).{0,15}?(?:가득|초과|부족|꽉)",
    ),
    rule(
        Outcome.SOFT,
        "greylist",
        r"gr[ea]y[ -]?list\w*|try again in \d+|come back (?:later|in)|please (?:try again|retry) (?:later|in|"
        r"after)|try again later|not found,? (?:please )?try again|"
        r"later wiederholen|später (?:noch ?mal|erneut)|réessayer? plus tard|intente más tarde|"
        r"riprova(?:re)? più tardi",
    ),
    rule(
        Outcome.BLOCKED,
        "rate",
        r"\brate(?:[ -]?limit\w*| control\w*| throttl\w*| exceed\w*| is too)",
        r"\bthrottl\w+|\bunusual(?:ly high)? rate|too (?:many|much|fast|frequent\w*) (?:\S+ ){0,4}?(?:connections?|"
        r"sessions?|messages?(?! on (?:the|this) server)|mails?|emails?|e-mails?|errors?|invalid|unknown|bad|attempts?|"
        r"requests?|recipients? from|concurrent|simultaneous)\b(?! data)(?! hop)",
        r"(?:max\w*|allowed) (?:\S+ ){0,3}?(?:messages|e-?mails|mails|connections|recipients)(?: \S+){0,2} per ",
        r"too many (?:invalid |bad |unknown )?(?:recipients|users|rcpt)",
        r"(?:send|sending|sent) (?:too (?:many|much)|slower|fewer)|slow down|maximum (?:number of )?(?:connections|"
        r"sessions)",
        r"deferred due to (?:user complaints|unexpected volume)|user complaints|\bvolume of (?:mail|e-?mail|messages)",
        r"zu viele (?:verbindungen|nachrichten|mails|e-mails)|trop de (?:messages|connexions)|"
        r"demasiad\w+ (?:mensajes|conexiones|correos)|"
        r"troppi messaggi|troppe connessioni|muitas (?:mensagens|conex)|te veel (?:berichten|verbindingen)",
    ),
    rule(
        Outcome.SOFT,
        "temporary",
        r"\btemporar\w*ly\b|temporary (?:\S+ ){0,3}(?:fail\w*|error|reject\w*|unavailable|disabled|inactive|"
        r"suspended|locked|deactivated|deferred|problem|lookup|block\w*|unable|undeliverable|closed|not)",
        r"(?:(?<!reverse )dns|name ?server|mx|host|domain|address|recipient) (?:\S+ ){0,4}(?:lookup|look-up|resolution|"
        r"verification|query|check) (?:\S+ ){0,2}(?:fail\w*|error|timed|in progress|temporar)",
        r"name (?:service|server) (?:error|timeout|failure)(?!.{0,80}host not found)|servfail|"
        r"server failure looking|lookup failure",
        r"(?:currently|presently|momentarily|for the time being) (?:\S+ ){0,2}(?:unavailable|not available|"
        r"disabled|suspended|not accept\w*|unable|over)",
        r"vorübergehend|zeitweilig|temporairement|temporalmente|temporaneamente|temporariamente|tijdelijk|"
        r"tillfälligt|midlertidig|tymczasow|dočasn|временно|тимчасово|一時的|暂时|일시적",
    ),
    rule(
        Outcome.SOFT,
        "connection",
        r"time[d]?[ -]?out|(?:message|delivery time|retry time|retry timeout|queue\w*|"
        r"mail) (?:\S+ ){0,4}(?:expired|exceeded|too long|too old)",
        r"retry timeout|timeout exceeded|retries exceeded|in the queue too long|(?:undelivered|queued|"
        r"trying) (?:for|after) (?:\S+ ){0,3}(?:days?|hours?)",
        r"connection (?:\S+ ){0,3}(?:refused|reset|dropped|lost|closed|fail\w*|died|abort\w*|broken|could not|"
        r"can ?not|timed)|connect to \S+ .{0,60}(?:refused|timed)",
        r"(?:lost|no|broken|dropped) connection|conversation with \S+ (?:timed|lost)|"
        r"could ?n[o'’]?t (?:be )?(?:connect|establish|reach)|(?:cannot|can't|unable to|failed to|"
        r"wasn't able to) (?:\S+ )?(?:connect|establish|contact|reach|open)",
        r"no route to host|network (?:is )?unreachable|host (?:is )?(?:down|unreachable)|(?:server|host|"
        r"mta) (?:\S+ ){0,3}(?:not respond\w*|down|unreachable|unavailable|did not respond|stopped)",
        r"verbindung .{0,60}(?:abgelehnt|fehlgeschlagen|unterbrochen|nicht möglich)|zeitüberschreitung|"
        r"délai .{0,20}dépassé|tiempo de espera|connexion .{0,30}(?:refus|impossible|échou)|"
        r"connessione .{0,30}(?:rifiut|scadut|fallit)",
        r"tls (?:handshake|negotiation)|ssl (?:handshake|error)",
    ),
    rule(
        Outcome.SOFT,
        "loop",
        r"(?:mail|message|routing|forwarding|delivery) (?:\S+ )?loop\w*|loops? back|too many hops|hop count|"
        r"hopcount|maximum hops",
    ),
    rule(
        Outcome.SOFT,
        "size",
        r"(?:message|mail|e-?mail|body|attachment|data|header)s? (?:\S+ ){0,5}(?:too (?:large|big|long)|"
        r"exceed\w* (?:\S+ ){0,4}(?:size|limit|maximum)|larger than|size limit)",
        r"(?:size|maximum|max) (?:\S+ ){0,3}(?:message|mail) ?size|(?:message|mail) size (?:\S+ ){0,3}(?:exceed\w*|"
        r"limit|larger)|message length exceeds|larger than the (?:current )?(?:system )?limit",
        r"(?:nachricht|mail|anhang) .{0,20}zu groß|message trop (?:volumineux|gros|grand)|demasiado grande|"
        r"troppo grande|muito grande|te groot",
    ),
    rule(
        Outcome.SOFT,
        "system",
        r"(?:insufficient|system) (?:system )?resources?|(?:internal|system|server|processing|configuration|"
        r"software|local|disk|i/o) (?:\S+ )?(?:error|failure|problem)|out of memory|mail system full|"
        r"unable to (?:lock|write|create|open) (?:\S+ ){0,3}(?:mailbox|file|maildir)|"
        r"(?:server|system|service|host) (?:is )?(?:too )?busy|too busy|shutting down|under maintenance|"
        r"read-only file system|no space left|load (?:average|too high)|program failed|command died|"
        r"service is not available|error writing",
    ),
    rule(
        Outcome.BLOCKED,
        "content",
        r"\b(?:message|mail|e-?mail|attachment)s? (?:\S+ ){0,3}(?:blocked|rejected|refused) (?:\S+ ){0,2}?"
        r"(?:because|due to|for) (?:\S+ ){0,3}?(?:content|attachment|spam|virus|subject|links?|url)",
    ),
    rule(
        Outcome.BLOCKED,
        "reputation",
        r"reputation|(?:black|block|deny|real-?time|reject) ?-?lists?(?:ed|ing)?\b|(?<!not )\b(?:is |are |was |"
        r"been )listed\b|(?<!not )listed (?:on|at|by|in) (?!(?:the )?(?:public|domino|address|directory|lotus|our|"
        r"this))",
        r"\b(?:dns|rb|ur|surb|sb|x)bl\b|\brbls?\b|dnsbl|spamhaus|spamcop|sorbs\b|uceprotect|barracudacentral|"
        r"senderbase|senderscore|abuseat|njabl|backscatterer|invaluement|mailspike|cloudmark|csi\.cloud|ipcheck",
        r"\b(?:banned|blocked|blacklisted|blocklisted|denylisted)\b|\bblock(?:ing|s)? (?:\S+ ){0,4}(?:ip|host|"
        r"network|sender|domain|list|address range)|"
        r"(?:your|sending|client|connecting|source|sender|originating) (?:\S+ ){0,3}(?:ip|host|server|network|"
        r"domain|address range|account|mailbox|subnet)\b.{0,60}?"
        r"(?:reject\w*|refus\w*|denied|suspend\w*|disabled|restrict\w*|blocked|listed|not (?:allowed|accepted|"
        r"permitted|authori[sz]ed|welcome)|locked|compromised|deactivated)",
        r"(?:mail|messages?|e-?mails?|connections?|traffic) from (?:\S+ ){0,4}(?:ip|host|server|network|domain|"
        r"address|country|range|you|this)\b.{0,40}?(?:refus\w*|reject\w*|denied|blocked|not (?:accepted|allowed|"
        r"welcome))",
        r"(?:gesperrt|blockiert|auf (?:einer|der) (?:sperrliste|blacklist|schwarzen liste))|liste noire|"
        r"lista negra|lista nera|zwarte lijst|чёрн\w+ спис|черн\w+ спис|ブラックリスト|黑名单|블랙리스트",
    ),
    rule(
        Outcome.BLOCKED,
        "spam",
        r"\b(?:anti-?)?spam\w*|\bjunk\b|unsolicited|mass[ -]?mail\w*|\bbulk\.|\buce\b|\bube\b|phish\w*|"
        r"\bbulk (?:mail|e-?mail|sender)|high probability|"
        r"\bham\b|bayes\w*|スパム|迷惑メール|垃圾邮件|垃圾郵件|스팸|спам",
        r"virus\w*|malware|infected|trojan|malicious|suspicious|suspect\w* (?:content|mail)|dangerous|unsafe|harmful",
        r"(?:content|message|mail|subject|text|url|link|uri|attachment|header)s? (?:\S+ ){0,5}?(?:filter\w*|"
        r"reject\w* (?:due to|because of|for|as|per) (?:\S+ )?(?:content|policy|its|spam|virus|restrict\w*)|"
        r"prohibited|not allowed|forbidden|unacceptable|inappropriate|undesirable|unwanted)|content (?:reject\w*|"
        r"restrict\w*|filter)|banned (?:content|word|file)|"
        r"reject\w* (?:\S+ ){0,2}content|headers? (?:\S+ ){0,2}not accept\w*|(?:illegal|forbidden|prohibited|"
        r"blocked) attachment|"
        r"not accept (?:any )?(?:messages|mails?|e-?mails?) (?:containing|with)",
        r"looks? like (?:\S+ ){0,2}(?:spam|advert)|advertis(?:ing|ement)|unwanted mail",
    ),
    rule(
        Outcome.BLOCKED,
        "ptr",
        r"can(?:no|')t resolve your|(?:unresolvable|unknown|open) (?:relay|proxy)|mismatch\w* (?:\S+ )?client|"
        r"smtp server of your|"
        r"\bptr\b|\brdns\b|reverse[ -](?:dns|lookup|hostname|host|record|mapping|resolution|name|address|entry|ip|"
        r"path)|no reverse|reverse (?:\S+ )?(?:dns|record)|cannot find your|does not (?:resolve|reverse)|"
        r"client host (?:rejected|name)|"
        r"\b(?:helo|ehlo)\b.{0,40}(?:reject\w*|invalid|refus\w*|denied|fqdn|not|mismatch|bad|must|name)|(?:invalid|"
        r"bad|bogus|forged|need|missing) (?:\S+ )?(?:helo|ehlo|fqdn|hostname)|dynamic (?:\S+ )?(?:ip|host|address|"
        r"pool)|dial-?up|residential",
    ),
    rule(
        Outcome.BLOCKED,
        "authentication",
        r"\bspf\b|\bdkim\b|\bdmarc\b|domainkeys|sender[ -]?id\b|authenticat\w*|unauthenticated|"
        r"authori[sz]ation (?:fail|required)|5\.7\.26|"
        r"starttls|(?:tls|ssl|encryption|encrypted) (?:\S+ ){0,3}(?:required|needed|must|mandatory)|"
        r"must (?:\S+ ){0,2}(?:starttls|use tls|encrypt)|"
        r"credentials|user ?name and password|password (?:not|incorrect|command)|send ?mail as|send ?as ?denied|"
        r"send on behalf|permission to send|\brst\.\w*(?:auth|sender)\w*|notauthori[sz]ed|authrequired|"
        r"authentifi\w*|authentifizier\w*|autentica\w*",
    ),
    rule(
        Outcome.BLOCKED,
        "relay",
        r"relay(?:ing)? (?:access )?(?:\S+ ){0,3}?(?:denied|not (?:permitted|allowed|authori[sz]ed)|prohibited|"
        r"is not|disallowed|refused|rejected|unavailable)|(?:unable|not (?:allowed|permitted|authori[sz]ed)|cannot|"
        r"can't|won't|refus\w+|do(?:es)? not|don't) (?:to )?(?:\S+ )?relay\w*|"
        r"(?:not|isn't) (?:in (?:my|our) (?:list of )?|an? )(?:allowed )?(?:rcpthosts|allowed rcpthosts|relay)|"
        r"no relaying|we do not relay|relay ?denied",
    ),
    rule(Outcome.BLOCKED, "spoofing", r"anti-?spoof\w*|spoof\w*"),
    rule(
        Outcome.BLOCKED,
        "sender",
        r"\b(?:sender|envelope(?: from| sender)?|return[ -]path|mail from|originator|from[ -](?:address|domain|"
        rf"header)|author)(?:'s)?\b{GAP}"
        r"(?:reject\w*|refus\w*|denied|blocked|invalid|unknown|not (?:be )?(?:allowed|permitted|found|exist|"
        r"accept\w*|authori[sz]ed|verified|valid|recogni[sz]ed|trusted|welcome|resolve)|does(?:n'?t| not) (?:exist|"
        r"resolve|have)|verif\w+|unverified|must|mismatch|unresolvable|poor|low|bad)",
        r"(?:invalid|bad|unknown|unrout\w+|forged|fake|unverified|rejected|refused|unauthori[sz]ed|untrusted|"
        r"blocked|disallowed|illegal|spoof\w*) (?:\S+ )?(?:sender|envelope|return[ -]path|from address|"
        r"mail from)\b|\bbackscatter|\bbatv\b|\bvalid from\b|domain of sender|"
        r"sender verif\w+|callout verification|callback verification|(?:address|identit(?:y|ies)|domain) (?:is |"
        r"are )?not verified|not owned by user",
        r"members?[- ]only|closed (?:mailing )?list|not (?:a )?(?:subscribed|member)|"
        r"sender (?:\S+ )?(?:not pre-?approved|is "
        r"empty)|(?:without|valid) (?:a )?(?:valid )?sender domain|unsigned dsn|bogus (?:mail|sender)|"
        r"[eé]metteur (?:invalide|"
        r"inconnu|refusé)|not (?:\S+ )?accept\w* (?:mail|messages|e-?mail|connections) from your",
        r"(?:only|members?|subscribers?) (?:\S+ ){0,3}(?:may|can|allowed to|permitted to) (?:post|send)|"
        r"not (?:allowed|permitted|authori[sz]ed) to (?:send|post|deliver|email|mail|submit)|"
        r"do(?:es)? not accept mail from|not accept(?:ing)? (?:mail|messages|e-?mail) from|moderat(?:ed|ion|or)",
        r"(?:absender\w*|expéditeur|remitente|mittente|remetente|afzender|avsändar\w*|nadawc\w*|"
        r"отправител\w*)\b.{0,60}?(?:abgelehnt|abgewiesen|nicht|gesperrt|refus|rejet|interdit|rechaz|denegad|"
        r"bloquead|rifiut|non|bloccat|rejeitad|geweigerd|geblokkeerd|nekad|odrzuc|отклон|заблок|запрещ)",
    ),
)

# These decide only where nothing else does.
VAGUE: tuple[Rule, ...] = (
    rule(
        Outcome.BLOCKED,
        "policy",
        r"polic(?:y|ies)|organi[sz]ational (?:settings|rules)|no access from|requires confirmation|"
        r"administrativ\w* (?:prohib\w*|den\w*|reject\w*|block\w*)|prohibited|restrict\w*|"
        r"not (?:allowed|permitted|authori[sz]ed|welcome)|access (?:is )?denied|denied|refused|refuse to|"
        r"unacceptable|rejected by|forbidden|violat\w*|security|firewall|filter\w*|compliance|richtlini\w*|"
        r"verweigert|abgelehnt|politique|política|politica|rifiutato|rechazado|refusé|geweigerd|отклонен\w*|отказ",
    ),
    rule(
        Outcome.SOFT,
        "unavailable",
        r"unavailable|not available|suspended|locked|giving up|gave up|retry|deferred|delayed|temporar\w*|"
        r"resources|not accept\w*|unable|failed|failure|expired|undeliverable|could not",
    ),
)
