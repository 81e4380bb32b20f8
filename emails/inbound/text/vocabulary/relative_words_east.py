"""The same as relative_words for the languages of northern and eastern Europe, Asia and the Middle East."""

from __future__ import annotations

RELATIVE_EAST = {
    "sv da nb": {
        "N": "1|2|3|4|5|6|8|10|12|en|ett|et|två|to|tre|fyra|fire|fem|sex|seks|några|nogle|noen|par",
        "today": "idag|i_dag",
        "tomorrow": "imorgon|i_morgon|imorgen|i_morgen",
        "end_week": """
            denna vecka
            den här veckan
            denne uge|uke
        """,
        "next_week": "nästa|næste|neste vecka|uge|uke",
        "next_month": "nästa|næste|neste månad|måned",
        "next_quarter": "nästa|næste|neste kvartal",
        "next_year": """
            nästa|næste|neste år
            nya|nye|nyt år*
        """,
        "in_days": "om {N} dagar|dage|dager",
        "in_weeks": "om {N} vecka|veckor|uge|uger|uke|uker",
        "in_months": "om {N} månad|månader|måned|måneder",
        "q1": "första|første kvartal*",
        "spring": """
            till|i|til våren|vår
            forår*
        """,
    },
    "fi": {
        "N": "1|2|3|4|5|6|8|10|yhden|kahden|kolmen|neljän|muutaman|parin",
        "today": "tänään",
        "tomorrow": "huomenna|huomiseen",
        "end_week": """
            tämän viikon
            tällä viikolla
        """,
        "next_week": "ensi viik*",
        "next_month": "ensi kuu*",
        "next_year": "ensi vuo*",
        "in_days": "{N} päivän päästä|kuluttua",
        "in_weeks": "{N} viikon päästä|kuluttua",
        "in_months": "{N} kuukauden päästä|kuluttua",
    },
    "pl cs sk hr sl sr bg mk ru uk be": {
        "N": """
            1|2|3|4|5|6|8|10|tydzień|dwa|dwie|trzy|kilka|dva|dvě|tři|tri|několik|dve|dvije|два|две|дві|три
            пару|несколько|кілька
        """,
        "today": "dzisiaj|dziś|dnes|danas|сегодня|сьогодні|днес",
        "tomorrow": "jutra|jutro|zítra|zajtra|sutra|завтра|завтрашнего|утре",
        "end_week": """
            w tym tygodniu
            tento týden
            на этой неделе
            цього тижня
            тази седмица
        """,
        "next_week": """
            w przyszłym tygodniu
            příští týden
            budúci týždeň
            sljedeći tjedan
            на следующей неделе
            наступного тижня
            следващата седмица
        """,
        "next_month": """
            w przyszłym miesiącu
            příští měsíc
            budúci mesiac
            в следующем месяце
            наступного місяця
            следващия месец
        """,
        "next_quarter": """
            w przyszłym kwartale
            příští kvartál
            в следующем квартале
            наступного кварталу
        """,
        "next_year": """
            w przyszłym roku
            příští rok
            в следующем году
            наступного року
            следващата година
        """,
        "in_days": """
            za {N} dni|dny|дня|дней|дні
            через {N} дня|дней|дні|днів
        """,
        "in_weeks": """
            za {N} tygodnie|tygodni|týdny|týždne|tjedna
            za tydzień|týden
            через {N} недели|недель|тижні|тижнів
            через неделю|тиждень
            след {N} седмици
        """,
        "in_months": """
            za {N} miesiące|miesięcy|měsíce|měsíců|mesiace
            za miesiąc|měsíc
            через {N} месяца|месяцев|місяці|місяців
            через месяц|місяць
            след {N} месеца
        """,
        "spring": """
            wiosną|wiosnę
            na jaře
            весной
            навесні
            пролетта
        """,
    },
    "hu": {
        "N": "1|2|3|4|5|6|8|10|egy|két|három|négy|pár|néhány",
        "today": """
            a mai nap*
            ma délután|egész
        """,
        "tomorrow": "holnap*",
        "next_week": """
            jövő hét*|héten|heti
            következő héten
        """,
        "next_month": "jövő hónap*",
        "next_year": """
            jövőre
            jövő év*
        """,
        "in_weeks": "{N} hét múlva",
        "in_months": "{N} hónap múlva",
    },
    "ro": {
        "N": "1|2|3|4|5|6|8|10|o|un|două|doua|trei|patru|câteva|cateva",
        "today": "astăzi|azi",
        "tomorrow": "mâine",
        "next_week": "săptămâna viitoare",
        "next_month": "luna viitoare",
        "next_year": "anul viitor",
        "in_weeks": "peste|în {N} săptămână|săptămâni",
        "in_months": "peste|în {N} lună|luni",
    },
    "tr": {
        "N": "1|2|3|4|5|6|8|10|bir|iki|üç|dört|birkaç",
        "today": "bugün",
        "tomorrow": "yarın",
        "next_week": """
            gelecek|önümüzdeki|haftaya hafta
            haftaya
        """,
        "next_month": "gelecek|önümüzdeki ay",
        "next_year": "gelecek|önümüzdeki|yeni yıl|sene|yılda",
        "in_weeks": "{N} hafta sonra|içinde",
        "in_months": "{N} ay sonra|içinde",
    },
    "el": {
        "N": "1|2|3|4|5|6|8|10|μια|δυο|τρεις",
        "today": "σημερα",
        "tomorrow": "αυριο",
        "next_week": "επομενη|αλλη εβδομαδα",
        "next_month": "επομενο|αλλο μηνα",
        "in_weeks": "σε {N} εβδομαδες|εβδομαδα",
        "in_months": "σε {N} μηνες|μηνα",
    },
    "ja zh ko": {
        "today": """
            本日
            今日
            今天
            오늘
        """,
        "tomorrow": """
            明日
            明天
            내일
        """,
        "next_week": """
            来週
            下周|下星期
            다음_주
        """,
        "next_month": """
            来月
            下个月|下月
            다음_달
        """,
        "next_year": """
            来年
            明年
            내년
        """,
        "in_weeks": "1|2|3|4|5|6 週間後|周后|주_후",
        "in_months": "1|2|3|4|5|6 ヶ月後|か月後|个月后|개월_후",
    },
    "he ar": {
        "today": """
            היום
            اليوم
        """,
        "tomorrow": """
            מחר
            غدا
        """,
        "next_week": """
            שבוע|בשבוע הבא
            الاسبوع|الأسبوع القادم|المقبل
        """,
        "next_month": """
            חודש|בחודש הבא
            الشهر القادم|المقبل
        """,
        "next_year": """
            שנה|בשנה הבאה
            العام|السنة القادم|المقبل|القادمة|المقبلة
        """,
    },
}
