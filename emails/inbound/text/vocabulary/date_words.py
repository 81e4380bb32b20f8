"""Words around dates: between the ends of a range, before a month, and for times that are counted from today."""

from __future__ import annotations

from emails.inbound.text.lexer import fold


def _folded(text: str) -> frozenset[str]:
    return frozenset(fold(word) for word in text.split())


# between the first and the last day of a range
CONNECTORS = _folded(
    """
    to till until through thru and bis und au et al a e y até ate tot en til och og do i und по до и y ile la
    și si  kuni līdz lidz iki sampai hingga đến den έως εως μέχρι ως και з та és от ig jusqu'au hasta fino ja
    ve ir un saakka  至 到 か ら ま で 부 터 까 지 起 עד الى حتى t m tom
    """
)
# between a preposition and its date
FILLERS = _folded(
    """
    the on of and including incl inclusive day date le la les el los lo il gli o os a as de del dem den der
    des die das  zum am um datum einschließlich einschl den het dia día giorno jour data datę dato datum dne
    dnia dan d en ta tes  den o η την τη της τις στις του ה ב ל يوم تاريخ بتاريخ tarihi ngày ngay tanggal tgl
    hari ziua data de către числа  дня день дня från and en met with inkl incluido inclusive compris inclus
    fim kl pe met och med og med dagen  pva paeva m r g roku god года року г gada aasta vuonna klo 日 일 的 に は
    """
)
# part of a month → the words for it
MONTH_PARTS = {
    fold(word): part
    for part, words in {
        "begin": """
            beginning start early begin anfang beginn anfangs début debut principios comienzos
            inicio início começo inizio inizi början starten begyndelsen begynnelsen alussa alku
            początku początek začátku začátek začiatku elején eleje începutul başında начале початку
            началото αρχές početkom algul sākumā pradžioje đầu awal
        """,
        "mid": """
            mid middle mitte medio mediados meados metà meta mi mitten midten puolivälissä połowie
            polovině polovici közepén mijlocul ortasında середине середині средата μέσα sredinom
            keskel vidū viduryje giữa pertengahan halverwege
        """,
        "end": """
            end late ende fin finales fim final fine slutet slutningen slutten lopussa końcu końca
            konci konce konca végén vége sfârșitul sfarsitul sonunda sonuna конце конца кінці кінця
            края τέλη τέλος krajem kraja lõpus lõpuni beigās pabaigoje cuối akhir eind
        """,
    }.items()
    for word in words.split()
}
MONTH_PREPOSITIONS = _folded(
    """
    in im en em w we v ve в у во i till until bis before after from since by through ab seit nach vor within
    of over  a ad dal da di d de del do od do от до с після после з із per för fra vanaf na après avant dès
    depuis à au  jusqu'en til från från og to next this den το τον στα από μέχρι în din până kuni līdz iki
    sampai bulan hasta para  fino entro tot около около к к
    """
)
