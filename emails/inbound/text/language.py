"""Ranks the languages that a text may be written in, by its everyday words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from emails.inbound.text.lexer import Token, fold

# everyday words that few neighbours share, with and without accents the same
_WORDS = {
    "en": """
            the and i am is are you your will be with for not have my this from out it we of to in
            on at if im until back office away leave returning return today ooo pto vacation please
            thanks what how when
        """,
    "de": """
            ich bin und der die das nicht ist mit für auf im sie wir ihr ihre meine werde von zu
            bitte am ab wieder
        """,
    "fr": """
            je suis le la les et vous votre mon ne pas du au pour avec dans sera serai est une ce
            mes jusqu
        """,
    "es": "estoy el los las y usted mi no de del para con en una que estaré hasta por su yo muy este",
    "it": "sono il lo gli e non di del che per con una mio mia sarò fino dal questo alla in",
    "pt": "estou o os as e você não do da para com em uma que meu minha até por estarei ao vossos",
    "nl": "ik ben het de een en niet van voor met mijn u uw op er weer ook naar dit tot aan",
    "sv": "jag är och att det inte på för med av en ett mig din till den åter som er vi har",
    "da": "jeg er og at det ikke på for med af en et mig din til den som holder fri har jeres ud",
    "nb": "jeg er og at det ikke på for med av en et meg din til den som har dere ut deg tilbake",
    "fi": "olen ja en ei on se minä sinun kun mutta minun myös asti saakka teidän ole jos että olisi",
    "pl": "jestem i nie na w z do się mnie proszę dziękuję o tej ale jest od moja mój przez będę",
    "cs": "jsem a ne na v z do se mě prosím děkuji ale je od můj budu jste není že mi nejsem",
    "sk": "som a nie na v z do sa ma prosím ďakujem ale je od môj budem ste že mi nebudem",
    "sl": "sem in ne na v z do se me prosim hvala ali je od moj bom ste da mi nisem ni",
    "hr": "sam i ne na u s do se me molim hvala ali je od moj biti ću da mi nisam nije biću",
    "sr": """
            sam i ne na u s do se me molim hvala ali je od moj biću ću da mi сам и не на у до је од
            да се
        """,
    "hu": "nem és a az vagyok van hogy egy kérem köszönöm de is meg én leszek lesz ezt",
    "ro": "sunt și nu la în din de pe vă mă mulțumesc cu pentru că am voi este mi care",
    "tr": "ve bir bu için değil ben ile olarak lütfen teşekkürler da de mi çok olacağım kadar",
    "et": "olen ja ei ma on see palun aitäh et kui mind kuni minu tagasi ning teie",
    "lv": "es un nav esmu būšu ir lūdzu paldies no līdz man ar uz kas jūsu par",
    "lt": "aš ir ne esu yra būsiu prašau ačiū nuo iki mano su kad jūsų į bet",
    "ru": "я и не в на с по вас мне это до для что из меня буду нет вы мы от больше сейчас",
    "uk": "я і та не в на з по вас мені це до для що із мене буду немає ви ми від більше буду",
    "bg": "аз и не в на с по вас ми това до за че от мен ще съм няма вие сме се",
    "mk": "јас и не во на со ми тоа до за дека од мене ќе сум нема вие се",
    "be": "я і не ў на з па вас мне гэта да для што буду няма вы мы ад больш",
    "vi": "tôi và không là của cho với trong này bạn xin vui lòng sẽ có được các khi",
    "id": "saya dan tidak di yang untuk dengan ini anda akan dari kembali sampai terima kasih mohon",
    "el": "και το να δεν με σας για μου θα στο από είναι", "he": "אני לא את של על זה", "ar": "في من على لا انا",
}  # fmt: skip
_KNOWN: dict[str, list[str]] = {}
for _language, _text in _WORDS.items():
    for _word in {fold(word) for word in _text.split()}:
        _KNOWN.setdefault(_word, []).append(_language)
_LONGEST_TOKENS = 400


def rank_languages(tokens: Iterable[Token]) -> tuple[str, ...]:
    """Languages (ISO 639) of a text, likeliest first; empty when nothing tells."""
    votes: Counter[str] = Counter()
    for position, token in enumerate(tokens):
        if position == _LONGEST_TOKENS:
            break
        first = token.text[0]
        if "\u3040" <= first <= "\u30ff":
            votes["ja"] += 180
        elif "\uac00" <= first <= "\ud7af":
            votes["ko"] += 120
        elif "\u4e00" <= first <= "\u9fff":
            votes["zh"] += 60
        elif "\u0e00" <= first <= "\u0e7f":
            votes["th"] += 60
        else:
            known = _KNOWN.get(token.text, ())
            for language in known:
                # in sixtieths, so that a word of few languages counts for more
                votes[language] += 60 // len(known)
            if "\u05d0" <= first <= "\u05ea":
                votes["he"] += 60
            elif "\u0620" <= first <= "\u064a":
                votes["ar"] += 60
    return tuple(language for language, _ in votes.most_common(6))
