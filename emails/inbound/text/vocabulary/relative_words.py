"""Times counted from today, per language: kind → phrases. A capital begins a name for `{…}`.

Kinds: today, tomorrow, end_week, next_week, end_month, next_month, next_quarter, next_year, in_days, in_weeks,
in_months, and the quarters q1 to q4 and seasons. A number stands inside the phrase of `in_…`; without one it is 1.
"""

from __future__ import annotations

NUMBERS = {
    word: number
    for number, words in {
        1: "a an one ein einem einer un une uno una um uma een en ett et jeden yksi один bir egy o",
        2: """
            two couple zwei deux dos due dois duas twee två to kahden kaksi dwa dwie dva dve два две
            дві iki két doi două doua
        """,
        3: """
            three few some drei paar einigen trois quelques tres tre três trois drie kolmen kolme
            trzy tři tri три üç uc három trei pár paar kilka několik несколько кілька cateva câteva
        """,
        4: """
            four vier quatre cuatro quattro quatro fyra fire neljän cztery čtyři четыре чотири dört
            dort négy patru
        """,
        5: "five fünf funf cinq cinco cinque vijf fem viiden pięć pěti пять beş bes öt cinci",
        6: "six sechs six seis sei zes sex seks kuuden sześć šesti шесть шість altı alti hat șase",
        8: "eight acht huit ocho otto oito åtta otte",
        10: "ten zehn dix diez dieci dez tien tio ti",
    }.items()
    for word in words.split()
}

RELATIVE_WEST = {
    "en": {
        "N": """
            1|2|3|4|5|6|7|8|9|10|11|12|14|15|18|20|21|28|30|45|60|90|a|an|one|two|three|four|five|six|seven
            eight|nine|ten
            couple_of|few|a_few|a_couple_of|some|other
        """,
        "today": """
            today
            this afternoon|evening|morning
        """,
        "tomorrow": "tomorrow",
        "end_week": """
            this week
            [the] rest of the|this week
            end of [the|this] week
            all week
            the whole week
        """,
        "next_week": """
            next week
            the week after
            following week
        """,
        "end_month": """
            this month
            [the] rest of the|this month
            end of [the|this] month
        """,
        "next_month": "next month",
        "end_year": """
            this year
            [the] rest of the|this year
            end of [the|this] year
            year end
        """,
        "next_quarter": """
            next quarter
            next q
        """,
        "next_year": """
            next|new year
            in the new year
        """,
        "in_days": """
            in|within {N} [business|working] days
            {N} days from|later|time
        """,
        "in_weeks": """
            in [about|around] {N} week|weeks
            {N} week|weeks from|later|time
            after {N} weeks
        """,
        "in_months": """
            in [about|around] {N} month|months
            {N} month|months from|later|time
            after {N} months
        """,
        "in_half_year": """
            in half a year
            in six months
            in 6 months
        """,
        "q1": """
            q 1
            q1
            first quarter
            1 st quarter
        """,
        "q2": """
            q 2
            q2
            second quarter
            2 nd quarter
        """,
        "q3": """
            q 3
            q3
            third quarter
            3 rd quarter
        """,
        "q4": """
            q 4
            q4
            fourth|last quarter
            4 th quarter
        """,
        "spring": "until|in|next|till|after|before|the|this spring",
        "summer": "until|in|next|till|after|before|the|this summer",
        "autumn": "until|in|next|till|after|before|the|this autumn|fall",
        "christmas": "after|before|until [the] christmas|holidays",
    },
    "de": {
        "N": """
            1|2|3|4|5|6|7|8|10|12|14|ein|einem|einer|zwei|drei|vier|fünf|sechs|acht|zehn|paar|ein_paar
            einigen
        """,
        "today": "heute",
        "tomorrow": "ab|bis|erst|wieder|seit morgen",
        "end_week": """
            diese|dieser woche
            ende der|dieser woche
            ganze woche
        """,
        "next_week": "nächste|nächster|kommende|kommender|nächsten woche",
        "end_month": """
            diesen monat
            ende des monats
            monatsende
        """,
        "next_month": """
            nächsten|nächster|kommenden monat
            nächstem monat
        """,
        "end_year": """
            dieses jahr
            ende des jahres
            jahresende
        """,
        "next_quarter": "nächsten|nächstes|kommenden quartal",
        "next_year": """
            nächsten|nächstes|kommenden|neuen|neues jahr*
            jahreswechsel
        """,
        "in_days": "in {N} tagen",
        "in_weeks": "in {N} woche|wochen",
        "in_months": """
            in {N} monat|monaten
            in einem halben jahr
        """,
        "q1": """
            ersten|erstes quartal
            1 quartal
        """,
        "q2": """
            zweiten|zweites quartal
            2 quartal
        """,
        "q3": """
            dritten|drittes quartal
            3 quartal
        """,
        "q4": """
            vierten|viertes|letzten quartal
            4 quartal
        """,
        "spring": "frühjahr|frühling",
        "summer": "im|nach|dem sommer|sommerferien",
        "autumn": "im|nach|dem herbst",
        "christmas": "nach|vor weihnachten",
    },
    "fr": {
        "N": "1|2|3|4|5|6|8|10|12|15|un|une|deux|trois|quatre|cinq|six|quelques",
        "today": """
            aujourdhui
            aujourd hui
        """,
        "tomorrow": "demain",
        "end_week": """
            cette semaine
            fin de [la] semaine
        """,
        "next_week": "semaine prochaine",
        "end_month": """
            ce mois
            fin du mois
        """,
        "next_month": "mois prochain",
        "end_year": """
            cette année
            fin de [l] année
        """,
        "next_quarter": """
            prochain trimestre
            trimestre prochain
        """,
        "next_year": """
            année prochaine
            an prochain
            nouvelle année
        """,
        "in_days": "dans {N} jours",
        "in_weeks": "dans {N} semaine|semaines",
        "in_months": "dans {N} mois",
        "q1": """
            premier trimestre
            t 1
            1 er trimestre
        """,
        "spring": "printemps",
        "autumn": """
            automne
            à la rentrée
        """,
        "summer": """
            été prochain
            après l été
        """,
    },
    "es": {
        "N": "1|2|3|4|5|6|8|10|12|15|un|una|uno|dos|tres|cuatro|cinco|seis|unas|unos",
        "today": "hoy",
        "tomorrow": "mañana",
        "end_week": """
            esta semana
            fin de semana
        """,
        "next_week": """
            próxima semana
            semana próxima|que_viene
        """,
        "end_month": """
            este mes
            fin|final|finales de mes
        """,
        "next_month": """
            próximo mes
            mes próximo|que_viene
        """,
        "end_year": """
            este año
            fin|final de año
        """,
        "next_quarter": "próximo trimestre",
        "next_year": """
            próximo año
            año próximo|que_viene
            año nuevo
        """,
        "in_days": "en|dentro_de {N} días",
        "in_weeks": "en|dentro_de {N} semana|semanas",
        "in_months": "en|dentro_de {N} mes|meses",
        "q1": "primer trimestre",
        "spring": "primavera",
        "autumn": "otoño",
        "summer": "después|despues del verano",
    },
    "it": {
        "N": "1|2|3|4|5|6|8|10|12|15|un|una|due|tre|quattro|cinque|sei|qualche",
        "today": "oggi",
        "tomorrow": "domani",
        "end_week": """
            questa settimana
            fine settimana
        """,
        "next_week": """
            prossima settimana
            settimana prossima
        """,
        "end_month": """
            questo mese
            fine mese
            fine del mese
        """,
        "next_month": """
            prossimo mese
            mese prossimo
        """,
        "next_quarter": "prossimo trimestre",
        "next_year": """
            prossimo anno
            anno prossimo
            anno nuovo
        """,
        "in_days": "tra|fra {N} giorni",
        "in_weeks": "tra|fra {N} settimana|settimane",
        "in_months": "tra|fra {N} mese|mesi",
        "q1": "primo trimestre",
        "spring": "primavera",
        "autumn": "autunno",
    },
    "pt": {
        "N": "1|2|3|4|5|6|8|10|12|15|um|uma|dois|duas|três|quatro|cinco|seis|algumas",
        "today": "hoje",
        "tomorrow": "amanhã",
        "end_week": "esta|desta semana",
        "next_week": """
            próxima semana
            semana que_vem|próxima
        """,
        "end_month": """
            este|deste mês
            fim do mês
        """,
        "next_month": """
            próximo mês
            mês que_vem|próximo
        """,
        "next_quarter": "próximo trimestre",
        "next_year": """
            próximo ano
            ano que_vem|novo
        """,
        "in_days": "em|daqui_a|dentro_de {N} dias",
        "in_weeks": "em|daqui_a|dentro_de {N} semana|semanas",
        "in_months": "em|daqui_a|dentro_de {N} mês|meses",
        "q1": "primeiro trimestre",
        "spring": "primavera",
    },
    "nl": {
        "N": "1|2|3|4|5|6|8|10|12|een|twee|drie|vier|vijf|zes|paar|een_paar|enkele",
        "today": "vandaag",
        "tomorrow": "vanaf|tot|weer morgen",
        "end_week": """
            deze week
            eind van de week
        """,
        "next_week": "volgende|komende week",
        "end_month": """
            deze maand
            eind van de maand
        """,
        "next_month": "volgende|komende maand",
        "next_quarter": "volgend kwartaal",
        "next_year": "volgend|nieuwe jaar",
        "in_days": "over {N} dagen",
        "in_weeks": "over {N} week|weken",
        "in_months": "over {N} maand|maanden",
        "q1": "eerste kwartaal",
        "spring": "voorjaar|lente",
    },
}
