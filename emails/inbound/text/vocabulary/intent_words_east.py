"""The same as intent_words for the languages of northern and eastern Europe, Asia and the Middle East."""

from __future__ import annotations

INTENT_EAST = {
    "sv": {
        "interested": """
            intresserad*|intressant|nyfiken|gärna
            skicka|skickar ... pris|priser|offert|prislista|information|info|broschyr|uppgifter|detaljer
            skicka|skickar ... förslag
            vad kostar
            mer information|info|detaljer|veta
            boka|möte|demo|offert|leveranstid*
            ring|ringer mig|oss
            låter|verkar bra|intressant|spännande
        """,
        "not_interested": """
            inte|ej|inget|ingen|inga ... intresserad*|intresse|behov|behöver|aktuellt|relevant|budget
            nej tack
            redan ... har|leverantör|lösning|avtal
            nöjda|nöjd med
            avböjer|avstår|tackar_nej
        """,
        "later": """
            inte|ej|inget ... nu|just_nu|för_närvarande|i_år|än|ännu|för_tillfället
            just_nu|för_närvarande|för_tillfället inte|inget|ej
            senare|längre_fram
            återkom|hör|kontakta|mejla|maila|skriv|ring ... igen|i|efter|om|till|nästa|senare|under|från
            nästa år|kvartal|månad|vecka
            efter sommaren|semestern|jul
        """,
        "referral": """
            kontakta|fråga|prata|vänd|skriv|mejla|maila|hör ... med|till|dig|er|min|istället|kollega
            ansvarig*|kollega|efterträdare|rätt_person|inköp|ersättare|hanterar|beslutar
            vidarebefordr*|cc|kopia
        """,
        "right_person": "inte|fel ... rätt|ansvarig*|person|avdelning",
    },
    "da nb": {
        "interested": """
            interesseret|interessert|interessant|spændende|spennende|gerne|gjerne
            send|sende ... pris|priser|tilbud|prisliste|information|informasjon|info|brochure|brosjyre
            send|sende ... detaljer
            hvad|hva koster
            mere|mer information|informasjon|info|vide|vite
            møde|møte|demo|tilbud|leveringstid
            ring|ringe [til] mig|meg|os|oss
            lyder|høres|ser godt|bra|interessant|spændende|spennende
        """,
        "not_interested": """
            ikke|ingen|intet|ej ... interesseret|interessert|interesse|behov|brug|bruk|relevant|aktuelt
            ikke|ingen|intet|ej ... behøver|budget|budsjett
            nej|nei tak|takk
            allerede ... har|leverandør|løsning|aftale|avtale
            tilfredse|fornøyd|fornøyde|tilfreds|glade med|for
            takker nej|nei
        """,
        "later": """
            ikke|ingen ... nu|nå|lige_nu|akkurat_nå|for_tiden|i_år|endnu|ennå|øjeblikket|øyeblikket
            senere
            vend|ta|tag|kontakt|skriv|ring|spørg|spør|prøv|kom|hør ... igen|igjen|i|efter|etter|om|til|næste
            vend|ta|tag|kontakt|skriv|ring|spørg|spør|prøv|kom|hør ... neste|senere|tilbage|tilbake
            næste|neste år|kvartal|måned|uge|uke
            efter|etter sommeren|ferien|jul|sommerferien
        """,
        "referral": """
            kontakt|spørg|spør|tal|snakk|snak|skriv ... med|til|dig|deg|min|i_stedet|kollega|venligst
            henvend ... med|til|dig|deg|min|i_stedet|kollega|venligst
            ansvarlig*|kollega|efterfølger|etterfølger|rette|indkøb|innkjøp|beslutter|håndterer
            videresend*|cc|kopi
        """,
        "right_person": "ikke|forkert|feil ... rette|rigtige|ansvarlig*|person|afdeling|avdeling|riktig*",
    },
    "fi": {
        "interested": """
            kiinnosta*|kiinnostunut|kiinnostuneita|mielenkiinto*
            lähettä*|lähetä ... tarjous*|hinnasto*|hinta*|esite*|lisätieto*|tieto*
            mitä|paljonko maksaa|se
            lisätieto*|lisää tietoa
            tapaaminen|tapaamis*|demo*|esittely*|toimitusaika*|tarjous*
            soita*|soittakaa
            kuulostaa|vaikuttaa hyvältä|mielenkiintoiselta
        """,
        "not_interested": """
            ei|emme|en ... kiinnosta*|kiinnostunut|tarvetta|tarvitse|tarpeen|ajankohtais*
            ei kiitos
            meillä on jo
            tyytyväis*
        """,
        "later": """
            ei|emme ... nyt|juuri_nyt|tällä_hetkellä|vielä|tänä_vuonna
            myöhemmin
            palat*|otta*|ota|kirjoitta*|kysy*|soita* ... uudestaan|uudelleen|jälkeen|myöhemmin|ensi|yhteyttä
            ensi vuon*|kuu*|viik*
        """,
        "referral": """
            ota|ottakaa|kysy|kysykää|kirjoita|kirjoittakaa ... yhteyttä|häneltä|hänelle|kollega*|mieluummin
            soita ... yhteyttä|häneltä|hänelle|kollega*|mieluummin
            vastaa*|vastuussa|kollega*|seuraaja*|oikea_henkilö|hankinta*|päättää
            välit*
        """,
        "right_person": "en|väärä ... oikea|vastaa|henkilö|vastuuhenkilö",
    },
    "pl": {
        "interested": """
            zainteresowan*|interesuj*|ciekaw*
            proszę|prosimy ... o|przesłać|wysłać ... cennik*|ofert*|cen*|informacj*|szczegół*|katalog*
            proszę|prosimy ... o|przesłać|wysłać ... wycen*|kontakt
            ile kosztuje|kosztują|to
            jaka|jaki|jakie jest|są ... cena|koszt|termin|ceny
            więcej informacji|szczegółów
            spotka*|demo|prezentacj*|próbk*|termin_dostawy
            proszę zadzwonić|o_telefon|dzwonić
            brzmi dobrze|ciekawie|interesująco
            chętnie
        """,
        "not_interested": """
            nie|brak|bez ... zainteresowan*|interesuj*|potrzeb*|dotyczy|potrzebujemy|budżetu
            nie dziękuję|dziękujemy
            już ... mamy|współpracujemy|dostawcę|korzystamy
            zadowoleni|zadowolony z
        """,
        "later": """
            nie|na_razie|obecnie ... teraz|obecnie|chwili|w_tym_roku|jeszcze|na_razie|moment*|nie
            później
            proszę|odezwać|odezwij|napisz|kontakt*|wrócić|zadzwonić ... ponownie|w|za|po|później|od|na
            odezwie ... ponownie|w|za|po|później|od|na
            przyszły|przyszłym|następny|następnym rok*|kwarta*|miesiąc*|tygod*
            po wakacjach|urlop*|świętach
        """,
        "referral": """
            kontakt*|napis*|zapyt*|pisać|pytać|zwróc*|rozmaw* ... z|do|koleg*|koleżank*|pan*|raczej
            odpowiedzialn*|zajmuje|kolega|koleżanka|następc*|właściw*|zakup*|decyduje|zastępuje
            przekaz*|przesył*|kopi*
        """,
        "right_person": "nie|niewłaściw* ... właściw*|odpowiedzialn*|zajmuję|osob*|decyduję",
    },
    "cs sk": {
        "interested": """
            zajímá|zaujíma|zaujalo|zájem|záujem|zajímav*|zaujímav*
            pošlete|zašlete|pošlite|zašlite|prosím ... ceník*|cenník*|nabídk*|ponuk*|cen*|informac*
            pošlete|zašlete|pošlite|zašlite|prosím ... informác*|katalog*|podrobnosti
            kolik|koľko stojí|to
            jaká|jaké|aká|aké je|jsou|sú ... cena|ceny|termín
            více|viac informací|informácií
            schůzk*|stretnut*|demo|ukázk*|vzorek|vzorky
            zavolejte|zavolajte
            zní|znie dobře|dobre
            rád|rádi|rada
        """,
        "not_interested": """
            nemáme|nemám|není|nie|bez ... zájem|záujem|potřeb*|potreb*|zaujíma|zajímá|rozpočet
            ne|nie děkuji|ďakujem|děkujeme
            nezajímá|nezaujíma|nepotřebujeme|nepotrebujeme|nezajímáme
            už|již ... máme|dodavatele|dodávateľa
            spokojeni|spokojní|spokojen s
        """,
        "later": """
            ne|nie|není|nemáme|teď|teraz ... teď|nyní|teraz|momentálně|momentálne|letos|tento_rok|zatím
            ne|nie|není|nemáme|teď|teraz ... zatiaľ
            později|neskôr
            ozvěte|ozvite|napište|napíšte|kontaktujte ... znovu|v|po|za|později|od|na|příští|opäť|znova
            zavolejte|zkuste ... znovu|v|po|za|později|od|na|příští|opäť|znova
            příští|budúci|budúcom rok|roku|měsíc|mesiac|kvartál|týden|týždeň
            po prázdninách|dovolen*|letu|vánocích
        """,
        "referral": """
            obraťte|obráťte|kontaktujte|napište|napíšte ... na|se|sa|kolegu|kolegyni|raději|radšej|pana|paní
            zeptejte|spýtajte|pište|píšte ... na|se|sa|kolegu|kolegyni|raději|radšej|pana|paní
            odpovědn*|zodpovedn*|kolega|kolegyně|nástupce|nástupca|správn*|nákup*|rozhoduje|na_starosti
            starosti
            přeposílám|preposielam|kopii|kópii
        """,
        "right_person": """
            nejsem|nie_som|není|špatn*|nesprávn* ... správn*|odpovědn*|zodpovedn*|osoba|kompetentn*
        """,
    },
    "ru uk be": {
        "interested": """
            интересно|интересует|заинтересов*|цікаво|цікавить|зацікавл*
            пришлите|вышлите|отправьте|надішліть|прошу|скиньте ... прайс*|цен*|коммерческ*|предложение
            пришлите|вышлите|отправьте|надішліть|прошу|скиньте ... каталог|информаци*|подробност*|ціни
            пришлите|вышлите|отправьте|надішліть|прошу|скиньте ... прайс*|пропозиці*|інформаці*|кп
            сколько стоит|стоят|будет
            скільки коштує|коштують
            какая|какие|яка|які цена|цены|сроки|ціна|ціни|терміни
            подробнее|больше_информации|детальніше|докладніше
            встреч*|демо|созвон*|презентаци*|зустріч*|дзвінок|образец|зразок
            позвоните|перезвоните|зателефонуйте|подзвоніть|наберите
            давайте|готовы|готов обсудим|созвонимся|встретимся|обсудить|поговорим
            звучит|звучить хорошо|интересно|добре|цікаво
        """,
        "not_interested": """
            не|нет|немає|без ... интересует|интересно|интереса|нуждаемся|нужно|нужны|актуально|цікавить
            не|нет|немає|без ... цікаво|потреби|потрібно|актуально|зацікавл*|заинтересов*|требуется|потрібен
            нет|ні спасибо|дякую
            уже|вже ... есть|работаем|поставщик*|є|працюємо|постачальник*|сотрудничаем
            довольны|задоволені
        """,
        "later": """
            не|нет|пока|поки ... сейчас|пока|в_данный_момент|в_этом_году|зараз|поки|наразі|цього_року|не
            не|нет|пока|поки ... время|ні
            позже|попозже|пізніше
            напишите|свяжитесь|обратитесь|вернитесь ... в|через|после|позже|с|на|після|пізніше|з|у|снова|к
            позвоните|напишіть|зв'яжіться|зверніться ... в|через|после|позже|с|на|після|пізніше|з|у|снова|к
            повернемося|вернемся|вернёмся ... в|через|после|позже|с|на|після|пізніше|з|у|снова|к
            в следующем|наступному году|квартале|месяце|місяці|році
            после|після отпуск*|праздник*|лета|відпустк*|свят*|нового
        """,
        "referral": """
            обратитесь|обращайтесь|свяжитесь|напишите|спросите ... к|с|на|до|з|коллег*|колег*|лучше|краще|по
            пишите|зверніться|звертайтеся|напишіть|зв'яжіться ... к|с|на|до|з|коллег*|колег*|лучше|краще|по
            запитайте|адресуйте ... к|с|на|до|з|коллег*|колег*|лучше|краще|по
            ответствен*|занимается|коллега|коллеге|преемник|закупк*|відповідальн*|займається|колега
            наступник|закупів*|решает|вирішує
            переслал*|перенаправ*|копии|переслав|копії
        """,
        "right_person": """
            не|ошиблись ... я|тот|тому|ко_мне|занимаюсь|отвечаю|займаюся|відповідаю|ответственн*|решаю|той
        """,
    },
    "hu": {
        "interested": """
            érdekel*|érdeklőd*|érdekes
            küldjön|küldjenek|kérek|kérem|kérnék|kérnénk ... árlist*|ajánlat*|árat|árakat|információ*
            küldjön|küldjenek|kérek|kérem|kérnék|kérnénk ... részletek*|tájékoztat*|katalógus*
            mennyibe|mennyi kerül|az
            több|további információ*|részlet*
            megbeszélés*|találkozó*|demó|bemutató*|szállítási
            hívjon|hívjanak
            jól hangzik
        """,
        "not_interested": """
            nem|nincs ... érdekel|szükség*|aktuális|igény*|kell|kérünk|kérek
            köszönöm|köszönjük nem
            már van
        """,
        "later": """
            nem|most ... most|jelenleg|idén|még|pillanatnyilag
            később
            keressen|írjon|hívjon|jelentkezzen|keressenek ... később|után|jövő|újra|múlva|ismét
            jövő|következő év*|hónap*|hét*|negyedév*
        """,
        "referral": """
            forduljon|forduljanak|keresse|keressék|írjon|írjanak|kérdezze ... hoz|kolléga*|inkább|címen|őt
            felelős|kolléga*|utód*|illetékes|beszerzés*|foglalkozik|dönt
            továbbít*
        """,
        "right_person": "nem|rossz ... én|illetékes|felelős|megfelelő|hozzám",
    },
    "ro": {
        "interested": """
            interes*
            trimiteți|trimiteti|transmiteți|rog ... ofert*|preț*|pret*|informați*|informati*|catalog*
            trimiteți|trimiteti|transmiteți|rog ... detalii
            cât|cat costă|costa
            mai multe informații|informatii|detalii
            întâlnire|demo|apel|mostr*|ședință
            sunați|sunati
            sună bine|interesant
        """,
        "not_interested": """
            nu ... interes*|nevoie|aplică|potriv*|buget|necesar
            nu mulțumesc|multumesc|mulțumim
            deja ... avem|lucrăm|furnizor*|colaborăm
            mulțumiți|mulțumit cu|de
        """,
        "later": """
            nu|momentan ... acum|moment*|anul_acesta|încă|deocamdată|nu
            mai târziu|tarziu
            reveniți|contactați|scrieți|sunați|reveniti ... în|peste|după|din|la|anul|luna|mai_târziu
            anul|luna|trimestrul|săptămâna viitor*
            după concediu|vacanț*|sărbători|vară
        """,
        "referral": """
            contactați|contactati|scrieți|scrieti|întrebați|adresați ... cu|pe|la|coleg*|mai_bine|vă
            adresati|vorbiți|luați_legătura ... cu|pe|la|coleg*|mai_bine|vă
            responsabil*|coleg*|succesor*|înlocuitor*|persoana_potrivită|achiziți*|se_ocupă|decide
            redirecțion*|copie
        """,
        "right_person": "nu|greșit* ... sunt|persoana|responsabil*|potrivit*",
    },
}
