"""The same as absence_words for the languages of eastern and northern Europe, Asia and the Middle East."""

from __future__ import annotations

ABSENCE_EAST = {
    "fi": {
        "back": """
            palaan|palaa|palaamme|paluu|takaisin|jälleen|tavoitettavissa
            töissä|toimistolla alkaen|jälleen|taas
            vastaan|avaamme
        """,
        "not_back": "vasta|en ... ennen",
        "until": "asti|saakka",
        "until_after": "asti|saakka|ajan|mennessä",
        "after": "jälkeen",
        "since": "alkaen",
        "away": """
            lomalla|loma|lomailen|vapaalla|poissa|poissaolo|sairaslomalla|äitiyslomalla|vanhempainvapaalla
            vanhempainvapaa|opintovapaalla|työmatkalla|matkoilla|virkavapaalla|suljettu|kesälomalla
            talvilomalla
            en ole töissä|paikalla|toimistolla|tavoitettavissa
        """,
        "no_mail": "en ... lue|sähköposti*|viestejä",
        "elsewhere": "kiireellis*|kiireisissä|kiireinen|poissaoloni_aikana",
        "robot": """
            automaattinen|automaattisesti vastaus|viesti|lähetetty
            automaattivastaus|poissaoloviesti
        """,
        "thanks": "kiitos ... viestistä*|viestistäsi|sähköpostista*",
    },
    "pl": {
        "back": """
            wracam|wrócę|wroce|powrót|powracam|powrócę|powrotem
            ponownie|znów|znowu [będę] dostępn*|w_biurze|w_pracy|czynn*
            będę dostępn*|ponownie|w_biurze|w_pracy|znowu
            odpowiem|odpiszę
        """,
        "not_back": "dopiero|nie ... przed",
        "until": "do|do_dnia|aż_do",
        "until_after": "włącznie",
        "after": "po",
        "since": "od|od_dnia",
        "away": """
            nieobecn*|urlop*|zwolnieniu|delegacji|macierzyńskim|nieczynn*|niedostępn*|chorobow*
            poza biurem|pracą
            nie ma mnie|ma_mnie
            nie będę|jestem ... biurze|pracy|dostępn*
            wyjeździe [służbowym]
            zamknięt*|wolne
        """,
        "no_mail": """
            ograniczony|brak|bez dostęp*
            nie ... poczt*|mail*|wiadomości|maili
            nie będę miał*|mam dostęp*
        """,
        "elsewhere": "pilnych|pilne|pilnej|pilnie|nagłych|podczas_mojej_nieobecności",
        "robot": """
            automatyczna|automatyczną|automatycznie|automatyczny odpowiedź|wiadomość|wygenerowan*
            autoodpowiedź|autoresponder
        """,
        "thanks": "dziękuję|dziękuje za wiadomość|maila|kontakt|email",
    },
    "cs sk": {
        "back": """
            vrátím|vracím|vraciam|vrátim|zpět|späť|návrat*|znovu|opět|opäť|nastupuji|nastupujem|zase
            k dispozici|dispozícii od
            budu|budem [opět|zase|znovu|opäť] v|na|k kanceláři|práci|kancelárii|práce|dispozici|dispozícii
        """,
        "not_back": "až|teprve|nie_skôr|ne ... před",
        "until": "do|až_do|do_dne|do_dňa|po",
        "until_after": "včetně|vrátane",
        "after": "po",
        "since": "od|ode_dne",
        "away": """
            nepřítom*|neprítom*|dovolen*|služební|služobnej|služobn*|mateřsk*|matersk*|rodičovsk*|nemocensk*
            nedostupn*|zavřeno|zatvoren*
            mimo kancelář|kanceláriu|kancelář*
            nejsem|nebudu|nie_som|nebudem v|k|na kanceláři|práci|kancelárii|dispozici|dispozícii|příjmu
        """,
        "no_mail": """
            omezený|obmedzený|bez|nemám přístup*|prístup*
            nečtu|nečítam|nebudu_číst|nebudem_čítať
        """,
        "elsewhere": "naléhav*|urgentn*|súrn*|neodkladn*|v_době_mé_nepřítomnosti",
        "robot": """
            automatická|automatickou|automaticky|automatický odpověď|odpoveď|zpráva|správa|vygenerov*
            automatická|automatickou|automaticky|automatický generovan*
        """,
        "thanks": "děkuji|ďakujem za [vaši|váš|vašu|e] zprávu|správu|mail|email|e_mail",
    },
    "hr sr sl bg mk": {
        "back": """
            vraćam|vraćamo|vratit|vraćam_se|vraćam|povratak|povratku|vračam|vrnem|vrnil|vrnila|ponovno
            ponovo|nazaj|natrag|spet|opet
            враќам|враћам|повратак|повторно|поново|опет|връщам|върна|завръщане|отново|обратно
        """,
        "not_back": "tek|šele|едва|чак|тек",
        "until": "do|vključno_do|zaključno_do|do_vključno|do_uključivo|до|до_включително|до_края_на",
        "until_after": "uključivo|vključno|включително",
        "after": "nakon|po|posle|poslije|след|после|по",
        "since": "od|от|од|из",
        "away": """
            odsutan|odsutna|odsoten|odsotna|odsotnost|odsutnost*|odsustv*|godišnjem|godišnji|odmor*|dopust*
            bolovanju|bolniški|porodiljn*|putu|zatvoren*|zaprto
            van|izvan|zunaj ureda|kancelarije|pisarne
            nisam u uredu
            ne bom|bo
            отсъств*|отпуск*|отпуска|командировка|болничн*|одсут*|годишњ*|одмор*|годишен|отсуств*
            извън|ван офиса|канцеларије
        """,
        "no_mail": "ograničen|omejen|bez|brez|ограничен|без pristup*|dostop*|достъп|приступ*",
        "elsewhere": "hitn*|nujn*|žurn*|спешн*|неотложн*|хитн*",
        "robot": """
            automatsk*|samodejn*|avtomatsk* odgovor|poruka|odziv|sporočilo
            автоматичен|автоматски отговор|одговор
        """,
        "thanks": """
            hvala na|za poruci|sporočilo|mailu|poruku
            благодаря|хвала за|на съобщението|имейла|поруци
        """,
    },
    "ru uk be": {
        "back": """
            вернусь|вернемся|вернёмся|возвращаюсь|возвращение|возвращения|возвращаемся|выйду|выхожу|снова
            вновь|приступлю
            буду [снова] на_месте|на_связи|доступен|доступна|в_офисе|на_работе
            отвечу
            повернусь|повертаюся|повернення|повернуся|виходжу|вийду|знову|повертаємось
            буду [знову] на_місці|на_зв'язку|доступний|доступна|в_офісі|на_роботі
            відповім
            вяртаюся|вярнуся
        """,
        "not_back": "только|не_раньше|лише|не_раніше|тільки",
        "until": "до|по|до_кінця|до_конца",
        "until_after": "включительно|включно",
        "after": "после|після",
        "since": "с|со|начиная_с|з|від|із|починаючи_з|з_дня",
        "away": """
            отпуск*|отсутств*|командировк*|больничн*|декрет*|недоступ*|выходн*|отгул*
            нет на_месте|в_офисе|на_работе
            меня ... нет
            не на месте|работе
            вне офиса
            не буду|работаем|работаю
            відпустк*|відсутн*|відряджен*|лікарнян*|декретн*|недоступн*|вихідн*
            мене ... немає
            немає на_місці|в_офісі
            не працю*
            поза офісом
            адсутнічаю|адпачынку
        """,
        "no_mail": """
            ограничен*|нет|без|обмежен*|немає доступ*
            не ... почт*|писем|письма|пошт*|листи|листів|сообщени*|повідомлен*
        """,
        "elsewhere": "срочн*|терміново|термінов*|неотложн*|невідкладн*|в_моё_отсутствие|за_моєї_відсутності",
        "robot": """
            автоматическ*|автоматичн* ответ|сообщение|письмо|відповідь|повідомлення|лист
            автоответ|автоответчик|автовідповід*
        """,
        "thanks": "спасибо|благодарю|дякую за [ваше] письмо|сообщение|обращение|лист|повідомлення|звернення",
    },
    "el": {
        "back": "επιστρέφω|επιστρέψω|επιστροφή|επιστρέφουμε|επανέρχομαι|επανέλθω|ξανά|πάλι|πίσω",
        "not_back": "όχι_πριν|πριν_από",
        "until": "έως|μέχρι|ως|έως_και|μέχρι_και|έως_τις|μέχρι_τις",
        "after": "μετά",
        "since": "από|απο",
        "away": """
            λείπω|απουσία|απουσιάζω|άδεια|ταξίδι|διακοπές|εκτός|κλειστά|κλειστό|απουσίας
            δεν είμαι|θα_είμαι ... γραφείο|διαθέσιμ*
        """,
        "no_mail": "περιορισμένη|χωρίς|δεν πρόσβαση|έχω_πρόσβαση",
        "elsewhere": "επείγον|επείγοντα|επείγουσα|κατά_την_απουσία_μου",
        "robot": "αυτόματη|αυτόματο|αυτοματοποιημένη|αυτοματοποιημένο απάντηση|μήνυμα",
        "thanks": "ευχαριστώ για το|μήνυμα|μήνυμά",
    },
    "tr": {
        "back": "dönüyorum|döneceğim|dönüş*|dönmüş|yeniden|tekrar|döneriz|ofiste_olacağım|başlıyorum|işbaşı",
        "not_back": "ancak",
        "until": "zzz",
        "until_after": "kadar|dek|değin|dahil",
        "after": "sonra",
        "since": "itibaren",
        "away": """
            izin*|tatil*|ofis_dışında*|raporlu*|seyahat*|yıllık_izin*|kapalı*|yokum|doğum_izni*
            ofiste değilim|olmayacağım
            ofis dışındayım
            şehir|yurt dışında*
        """,
        "no_mail": """
            erişim* sınırlı|kısıtlı|yok
            mail|e_posta* erişim*|okuyam*
        """,
        "elsewhere": "acil*",
        "robot": "otomatik yanıt|cevap|mesaj|ileti",
        "thanks": "mesajınız|e_postanız|mailiniz için teşekkür*",
    },
    "hu": {
        "back": "vissza*|visszatér*|újra|ismét|térek|jövök|visszajövök|dolgozom|érkezem",
        "not_back": "csak|nem ... előtt",
        "until": "zzz",
        "until_after": "ig|bezárólag|bezáróan|végéig",
        "after": "után",
        "since": "tól|től|kezdve",
        "away": """
            szabadság*|távol*|szabin|betegállomány*|üzleti_út*|utazom|zárva|nyaral*|gyes*|nem_vagyok
            nem vagyok|leszek ... irodá*|elérhető|bent
            irodán_kívül
        """,
        "no_mail": "korlátozott*|nincs|nem ... hozzáfér*|olvas*|elér*",
        "elsewhere": "sürgős*|halaszthatatlan|távollétemben",
        "robot": """
            automatikus válasz|üzenet
            automatikusan
        """,
        "thanks": "köszönöm ... üzenet*|levelét|megkeresés*|levelé*",
    },
    "ro": {
        "back": """
            întorc|intorc|revin|revenire|reveni|întoarcere|întoarce|reiau|redeschidem
            din nou|nou disponibil*|birou
            disponibil* începând|incepand|din
        """,
        "not_back": "abia|nu ... înainte|până",
        "until": "până|pana|până_la|până_pe|până_în|pana_la|pana_pe|până_la_data_de|la|până_în_data_de",
        "until_after": "inclusiv",
        "after": "după|dupa|după_data_de",
        "since": "din|de_la|începând_cu|de_pe|incepand_cu",
        "away": """
            concediu*|absent*|vacanță|vacanta|plecat*|delegație|delegatie|indisponibil*|închis*|medical
            nu sunt|voi_fi|sînt la|în|disponibil* birou|serviciu
            afara|afară|lipsesc [din] [birou*]
        """,
        "no_mail": """
            acces limitat|restricționat
            nu ... acces|citi*|verific* ... mail*|email*|mesaj*
        """,
        "elsewhere": "urgent*|urgență|urgențe|urgenta|în_lipsa_mea|în_absența_mea",
        "robot": "răspuns|mesaj|raspuns automat|generat",
        "thanks": "mulțumesc|multumesc|mulțumim pentru mesaj*|email*",
    },
    "et lv lt": {
        "back": """
            tagasi|naasen|jälle|taas|atgriežos|atgriezīšos|atpakaļ|atkal|grįžtu|grįšiu|sugrįšiu|vėl|atgal
        """,
        "not_back": "alles|tikai|tik",
        "until": "kuni|līdz|iki",
        "until_after": "kaasa_arvatud|ieskaitot|imtinai|ni",
        "after": "pärast|pēc|po",
        "since": "alates|no|nuo",
        "away": """
            puhkus*|puhkusel|eemal|kontorist|haiguslehel|lähetuses|atvaļinājum*|prombūtn*|komandējum*
            slimības|atostog*|nedirbu|komandiruot*|išvyk*
            ei ole|viibi kontoris|tööl
            neesmu|nebūšu birojā|darbā
            nesu|nebūsiu biure|darbe
        """,
        "no_mail": "piiratud|ierobežota|ribota ligipääs|piekļuve|prieiga",
        "elsewhere": "kiire*|kiiretes|steidzam*|skub*",
        "robot": """
            automaatne|automaatvastus|automātiska|automātiskā vastus|atbilde|atsakymas|pranešimas
            automatinis vastus|atbilde|atsakymas|pranešimas
        """,
        "thanks": "aitäh|paldies|ačiū|dėkoju kirja|par|už",
    },
    "vi id th": {
        "back": """
            trở_lại|quay_lại|đi_làm_lại|làm_việc_lại
            kembali|masuk_kantor|masuk_kerja|aktif_kembali
            กลับมา|กลับ|เริ่มงาน|ทำงานอีกครั้ง
        """,
        "not_back": "baru",
        "until": """
            cho_đến|đến_hết|tới|đến_ngày|đến_hết_ngày
            sampai|hingga|s_d|sampai_dengan|sampai_tanggal
            ถึง|จนถึง|จนถึงวันที่|ถึงวันที่
        """,
        "after": """
            sau
            setelah|sesudah
            หลังจาก|หลัง
        """,
        "since": "từ|mulai|sejak|dari|ตั้งแต่",
        "away": """
            vắng_mặt|nghỉ_phép|đi_công_tác|nghỉ|công_tác|không_có_mặt
            cuti|libur|dinas|tidak_di_kantor|di_luar_kantor|tidak_masuk
            ลาพักร้อน|ไม่อยู่|ลา|หยุด|พักร้อน|นอกสถานที่|เดินทาง
        """,
        "no_mail": "hạn_chế|terbatas|จำกัด",
        "elsewhere": "khẩn_cấp|gấp|mendesak|darurat|urgent|เร่งด่วน|ด่วน",
        "robot": """
            trả_lời|thư|tin tự_động
            balasan|pesan otomatis
            ตอบกลับอัตโนมัติ|ข้อความอัตโนมัติ
        """,
        "thanks": "cảm_ơn|terima_kasih|ขอบคุณ",
    },
    "ja zh ko": {
        "back": """
            出勤|出社|復帰|戻り|戻る|再開|業務開始|営業開始|帰国|帰社|対応いたします|返信いたします|回来|返回|回到|恢复|恢復|上班|复工|返岗|回公司|回辦公室|开始办公|복귀|출근|돌아
            다시|재개|회신드리
        """,
        "not_back": "zzz",
        "until": "至|到|直到|截至",
        "until_after": "まで|迄|까지|为止|為止|止|之前|いっぱい",
        "after": "以降|之后|之後|이후",
        "since": "から|より|부터|自|从|從|于|於|起|에",
        "away": """
            不在|休暇|休業|休み|休ませ|出張|外出|夏季|年末年始|産休|育休|休職|休假|放假|度假|年假|出差|请假|請假|病假|产假|不在办公室|假期|离开|휴가|출장|부재|휴무|휴직|외근
            연차|자리를비|병가
        """,
        "no_mail": """
            メールを確認|確認できません|暂不查看|无法查看|無法查看|无法及时|不能及时|確認でき|확인이어|확인하지
        """,
        "elsewhere": "緊急|お急ぎ|急ぎ|紧急|急事|緊急|긴급|급한",
        "robot": "自動返信|自動応答|自動送信|自动回复|自动答复|自動回覆|자동회신|자동응답|자동답장|자동으로",
        "thanks": "ありがとうございます|感谢您|感謝您|您好|감사합니다",
    },
    "he ar": {
        "back": """
            אחזור|חוזר|חוזרת|אשוב|שב|שבה|חזרה|ואחזור|ואשוב|נחזור|שובי|חזרתי|אהיה_זמין|אהיה_זמינה
            أعود|سأعود|وسأعود|اعود|العودة|عودتي|أرجع|سأرجع|متاحا|متاحاً|مجددا|من_جديد|سأكون_متاحا|وسأكون
            استئناف|نعود|سنعود|عائد
        """,
        "not_back": "רק|قبل",
        "until": """
            עד|עד_ה|עד_ל
            حتى|لغاية|إلى|الى|حتى_يوم|حتى_تاريخ|الي
        """,
        "until_after": "כולל|ועד_בכלל",
        "after": "אחרי|לאחר|بعد",
        "since": """
            מ|מיום|החל_מ|מתאריך
            من|منذ|ابتداء|اعتبارا
        """,
        "away": """
            בחופשה|חופשה|חופש|בחופש|נעדר|נעדרת|מחוץ|בנסיעה|במילואים|בחו_ל|אעדר|היעדרות|בחופשת|סגור|סגורים
            לא_אהיה
            إجازة|اجازة|إجازتي|غائب|خارج|مسافر|سفر|عطلة|غياب|غيابي|مغلق|بإجازة
        """,
        "no_mail": "גישה|מוגבלת|محدود|وصول",
        "elsewhere": "דחוף|דחופים|לדחופים|בדחיפות|العاجلة|عاجل|للضرورة|طارئ|طارئة",
        "robot": """
            תשובה|מענה|הודעה אוטומטית|אוטומטי
            رد|رسالة|الرد تلقائي|تلقائية|آلية|التلقائي
        """,
        "thanks": "תודה|شكرا|شكراً",
    },
}
