"""Words by which mail programs introduce what they quote: header labels, "wrote", separators, footers."""

from __future__ import annotations

# role → labels of the header lines that Outlook and others put above a quoted mail
HEADER_LABELS = {
    "from": """
        from|von|absender|de|da|van|från|fra|lähettäjä|od|nadawca
        odesílatel|odosielateľ|feladó|de_la|kimden|gönderen|от|від
        из|от_кого|від_кого|από|差出人|送信者|发件人|發件人|寄件者
        보낸_사람|보낸사람|מאת|من|dari|từ|saatja|no|nuo|pošiljatelj
        pošiljalac|expéditeur|remitente|mittente|remetente|afzender|avsändare|afsender|avsender|expeditor|отправитель
        จาก|par|šalje|отправлено_от|adad|lähetti|од|šiuntė|от_кого|ód|a_partir_de|desde|sendt_av|отправил
    """,
    "sent": """
        sent|gesendet|envoyé|envoyée|enviado|enviada|inviato|inviata
        verzonden|skickat|sendt|lähetetty|wysłano|wysłane|odesláno
        odoslané|odoslaná|elküldve|küldve|trimis|gönderildi|gönderilme_tarihi
        отправлено|надіслано|изпратено|послано|στάλθηκε
        αποσταλή|送信日時|送信済み|发送时间|傳送時間|寄件日期|發送時間
        보낸_날짜|보낸날짜|נשלח|تاريخ_الإرسال|أرسلت|dikirim
        terkirim|saadetud|nosūtīts|išsiųsta|poslano|poslato|enviado_el
        enviado_em|ส่ง|ngày_gửi|đã_gửi|verstuurd|versendet
        data_wysłania|время_отправки|sendt_den
    """,
    "date": """
        date|datum|fecha|data|dato|päivämäärä|päiväys|dátum
        dată|tarih|дата|ημερομηνία|日付|日時|日期|날짜|תאריך|التاريخ
        tanggal|ngày|kuupäev|datums|วันที่|dátuma|pvm|sana|datoen|time
    """,
    "to": """
        to|an|à|para|a|per|aan|naar|till|til|vastaanottaja|do|komu|címzett|către|catre|kime|alıcı|кому|до|до_кого|προς
        宛先|收件人|收件者|받는_사람|받는사람|אל|إلى|الى|kepada|đến|tới
        saaja|kellele|kam|prima|za|pre|destinataire
        destinatario|destinatário|empfänger|ontvanger|mottagare|modtager|mottaker|adresat|příjemce|príjemca|получатель
        ถึง|gavėjas|hová|adresāts|adressat|primatelj|prejemnik
    """,
    "cc": """
        cc|kopie|copie|copia|cópia|kopia|kopio|kopi|másolatot_kap
        másolat|bilgi|копия|копія|κοιν|抄送|副本|참조|עותק|نسخة
        tembusan|đồng_gửi|bcc|cci|cco|ccn|dw|udw|kopija|dk|koopia|dodati|i_kopi
    """,
    "subject": """
        subject|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|aihe|temat|předmět|predmet|tárgy|subiect|konu
        тема|θέμα|件名|主题|主題|主旨|제목|נושא|الموضوع|subjek|perihal|chủ_đề|teema|temats|tema|zadeva|naslov
        относно|предмет|หัวข้อ|เรื่อง|asia|sujet|vedr|betr|betreft|re
    """,
    "other": """
        importance|wichtigkeit|priorität|priority|attachments|anlagen
        anhänge|attachment|pièces_jointes|adjuntos|allegati|anexos
        bijlagen|bilagor|vedlegg|reply_to|antwort_an|liitteet|załączniki
        вложения|sensitivity|organization|required_attendees
        when|where|wann|wo|importancia|prioridad|priorité|répondre_à|antworten_an|message_id|in_reply_to
    """,
}
# what a line says that introduces a quoted mail
WROTE = """
    wrote writes schrieb geschrieben schreibt a_écrit écrivait écrit escribió escribio ha_escrito ha_scritto
    scrisse scrive escreveu schreef heeft_geschreven het_volgende_geschreven geschreven skrev skriver
    kirjoitti napisał napisała pisze napsal napsala napísal napísala írta írt a_scris scris yazdı
    şunları_yazdı написал написала пишет писал написав
    написала пише написа έγραψε 写道 寫道 写到 のメール さんは書きました
    書きました のメッセージ 님이_작성 작성 썼습니다 작성함 님이_쓴_글 כתב כתבה كتب
    كتبت เขียนว่า ได้เขียน เขียน đã_viết viết menulis
    kirjutas rakstīja rašė napisao napisala je_napisal je_napisala je_napisao напиша написао escrigué
    idatzi_du skrifaði shkroi je_napísal odesílatel_napsal a_écrit reagerte mentioned said scrit
"""
# between dashes, or as a line of its own that ends with a colon
ORIGINAL = """
    original_message|original_email|original_mail|original_appointment|forwarded_message|forwarded_by|forwarded_email
    begin_forwarded|replied_message|reply_message|ursprüngliche_nachricht|originalnachricht|original_nachricht
    weitergeleitete_nachricht|weitergeleiteten_nachricht|ursprünglicher_termin
    message_original|message_d_origine|message_dorigine
    mail_original|message_transféré|message_réexpédié|message_initial
    courriel_original|mensaje_original|mensaje_reenviado
    correo_original|messaggio_originale|messaggio_inoltrato
    messaggio_originario|mensagem_original|mensagem_encaminhada
    oorspronkelijk_bericht|doorgestuurd_bericht|oorspronkelijke_bericht|ursprungligt_meddelande|originalmeddelande
    vidarebefordrat_meddelande|oprindelig_meddelelse|videresendt_meddelelse|original_meddelelse|opprinnelig_melding
    videresendt_melding|alkuperäinen_viesti|välitetty_viesti|oryginalna_wiadomość
    wiadomość_oryginalna|wiadomość_przekazana
    przekazana_wiadomość|původní_zpráva|původní_e_mail|přeposlaná_zpráva
    pôvodná_správa|preposlaná_správa|eredeti_üzenet
    továbbított_üzenet|mesaj_original|mesajul_original|mesaj_redirecționat|özgün_ileti|orijinal_mesaj|orijinal_ileti
    iletilmiş_ileti|исходное_сообщение|исходное_письмо|пересылаемое_сообщение
    пересланное_сообщение|вихідне_повідомлення
    оригінальне_повідомлення|переслане_повідомлення|оригинално_съобщение
    препратено_съобщение|αρχικό_μήνυμα|προωθημένο_μήνυμα
    元のメッセージ|元のメール|転送されたメッセージ|オリジナルメッセージ
    原始邮件|原始郵件|原始信息|转发的邮件|转发邮件|轉寄的郵件|邮件原件
    원본메시지|원본메일|전달된메시지|전달된메일|הודעה_מקורית|הודעה_שהועברה|הרסالة_الأصلية
    الرسالة_الأصلية|رسالة_أصلية|رسالة_معاد_توجيهها
    pesan_asli|pesan_terusan|thư_gốc|tin_nhắn_gốc|izvorna_poruka
    originalna_poruka|izvirno_sporočilo|algne_sõnum|algkiri
    originālais_ziņojums|pradinis_pranešimas|missatge_original|ข้อความต้นฉบับ|ข้อความเดิม
"""
# lines that a phone or a program adds below what was written
FOOTERS = """
    ^ sent from|via|with|by|using ... iphone|ipad|android|phone|mobile|outlook|mail|yahoo|galaxy|samsung
    ^ sent from|via|with|by|using ... blackberry|proton|device|tablet|gmail|smartphone|windows|spark
    ^ sent from|via|with|by|using ... mailbird|nokia|huawei|pixel|app|thunderbird|superhuman|xiaomi
    ^ get outlook|bluemail|spark|yahoo for|app|on
    ^ gesendet|verschickt|verfasst von|mit|aus|über ... iphone|ipad|handy|smartphone|mobiltelefon
    ^ gesendet|verschickt|verfasst von|mit|aus|über ... outlook|mail|android|mobilgerät|galaxy|app
    ^ gesendet|verschickt|verfasst von|mit|aus|über ... tablet|gmx|web_de|telekom|gerät
    ^ von meinem|meiner ... gesendet|iphone|ipad|handy|smartphone|galaxy
    ^ diese nachricht wurde ... gesendet
    ^ holen sie sich outlook
    ^ outlook für|for|pour|per|para|voor
    ^ envoyé de|depuis|à_partir|avec|par|via|du ... iphone|ipad|mobile|android|smartphone|téléphone
    ^ envoyé de|depuis|à_partir|avec|par|via|du ... outlook|mail|portable|galaxy|orange|yahoo
    ^ obtenez|télécharger|obtenir outlook
    ^ enviado desde|do|de|a_partir|via|pelo|con|com ... iphone|ipad|móvil|movil|android|celular|outlook
    ^ enviado desde|do|de|a_partir|via|pelo|con|com ... correo|mail|galaxy|telemóvel|samsung|dispositivo
    ^ enviado desde|do|de|a_partir|via|pelo|con|com ... yahoo|smartphone
    ^ obtener|obter|baixe outlook
    ^ inviato|inviata da|dal|con|tramite ... iphone|ipad|smartphone|android|cellulare|outlook|mail
    ^ inviato|inviata da|dal|con|tramite ... mobile|galaxy|dispositivo|libero|yahoo
    ^ scarica|ottieni outlook
    ^ verzonden|verstuurd vanaf|met|via|vanuit ... iphone|ipad|telefoon|android|outlook|mail|galaxy
    ^ verzonden|verstuurd vanaf|met|via|vanuit ... mobiel|smartphone|toestel|samsung
    ^ download|haal outlook
    ^ skickat från|med|via ... iphone|ipad|android|mobil|outlook|mail|galaxy|telefon|smartphone|enhet
    ^ sendt fra|med|via ... iphone|ipad|android|mobil|outlook|mail|galaxy|telefon|enhed|enhet|smartphone
    ^ lähetetty ... iphon*|ipad*|android*|puhelim*|laitteesta*|outlook*|älypuhelim*
    ^ wysłane|wysłano z|ze|przez|za ... iphon*|ipad*|android*|telefonu|smartfon*|outlook*|aplikacji
    ^ wysłane|wysłano z|ze|przez|za ... urządzenia|poczty|mail*
    ^ odesláno|odoslané|odoslaný|odosláno z|ze|zo|pomocí ... iphon*|ipad*|android*|mobil*|telefon*
    ^ odesláno|odoslané|odoslaný|odosláno z|ze|zo|pomocí ... outlook*|aplikace|aplikácie|seznam*
    ^ az iphon*|ipad* ... küldve|küldtem
    ^ elküldve|küldve ... iphon*|android*|telefon*|mobil*
    ^ trimis de_pe|din ... iphon*|ipad*|android|telefon*|mobil*|dispozitiv*
    ^ iphone|ipad|android|samsung ... gönderildi|から送信|에서보냄|küldve
    ^ iphone|ipad dan|umdan|imden ... gönderildi
    ^ отправлено с|из|через ... iphone|ipad|android|мобильн*|телефон*|почты|outlook|mail|яндекс*
    ^ отправлено с|из|через ... смартфон*|устройств*
    ^ надіслано|відправлено з|із|через ... iphone|ipad|android|мобільн*|телефон*|пошти|outlook|смартфон*
    ^ изпратено от|изпратен ... iphone|android|моя|телефон*
    ^ στάλθηκε|εστάλη από ... iphone|ipad|android|κινητό*|συσκευή*
    から送信
    ^ 发自|發自|从我的|從我的 ... iphone|ipad|手机|手機|华为|小米|传送|傳送|邮箱|安卓|outlook
    ^ 나의|내 ... iphone|ipad|에서보냄|에서보낸
    ^ נשלח מה|מ|מתוך ... iphone|ipad|android|אייפון|הנייד|טלפון|galaxy
    ^ أرسلت|مرسل|أُرسلت|تم ... iphone|ipad|هاتفي|جهاز|android|الآيفون|من
    ^ dikirim dari ... iphone|ipad|android|ponsel|smartphone
    ^ đã_gửi|gửi từ ... iphone|ipad|android|điện_thoại
"""
