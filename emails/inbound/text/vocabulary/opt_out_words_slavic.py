"""The same as opt_out_words for Polish, Czech and Slovak."""

from __future__ import annotations

OPT_OUT_SLAVIC = {
    "pl": {
        "Mail": """
            mail|maili|maile|mailami|wiadomości|wiadomość|e_maili|e_mail|emaili|ofert|oferty|reklam
            newsletter*|korespondencji|informacji|spamu|spam
        """,
        "remove": """
            usuń ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            usuń ... adresu ... [listy|bazy|newslettera]
            usunąć ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            usunąć ... adresu ... [listy|bazy|newslettera]
            usuńcie ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            usuńcie ... adresu ... [listy|bazy|newslettera]
            usunięcie ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            usunięcie ... adresu ... [listy|bazy|newslettera]
            wypisz ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            wypisz ... adresu ... [listy|bazy|newslettera]
            wypisać ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            wypisać ... adresu ... [listy|bazy|newslettera]
            wypiszcie ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            wypiszcie ... adresu ... [listy|bazy|newslettera]
            wykreślić ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            wykreślić ... adresu ... [listy|bazy|newslettera]
            wykreśl ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            wykreśl ... adresu ... [listy|bazy|newslettera]
            wykreślcie ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            wykreślcie ... adresu ... [listy|bazy|newslettera]
            skasować ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            skasować ... adresu ... [listy|bazy|newslettera]
            skasuj ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            skasuj ... adresu ... [listy|bazy|newslettera]
            skreślić ... mnie|nas|mój|moje|moich|nasz|adres|dane|danych ... [listy|bazy|newslettera]
            skreślić ... adresu ... [listy|bazy|newslettera]
            usuń|usunąć|wypisz|wypisać|wypiszcie|wykreślić ... listy|bazy|newslettera|subskrypcji
            usuń|usunąć|wypisz|wypisać|wypiszcie|wykreślić ... dystrybucyjn*
            mnie|nas ... wypisać|usunąć|wykreślić|skreślić|wypisz
            proszę [o] usunięcie|wypisanie|wykreślenie|zaprzestanie
            chcę|chciałbym|chciałabym|pragnę ... wypisać|zrezygnować|usunąć|wypisany|wypisana
            chcę|chciałbym|chciałabym|pragnę ... zrezygnować
            rezygnuję|rezygnujemy z ... subskrypcji|newslettera|otrzymywania|maili|listy
            rezygnuję|rezygnujemy z ... korespondencji
            przestań*|przestać|zaprzestań*|zaprzestać ... wysyłać|pisać|wysyłania|przysyłać|mailować
            skończ* ... wysyłać|pisać|wysyłania|przysyłać|mailować
            przestań*|przestać|zaprzestań*|zaprzestać|skończ* ... spamować|przesyłania|kontaktu
            wycofuję|cofam ... zgod*
            sprzeciw*|sprzeciwiam ... przetwarzan*|wykorzyst*|danych
            prawo|prawa ... zapomnienia|sprzeciwu|usunięcia
            dajcie|daj|proszę mi spokój
        """,
        "refuse": """
            nie ... wysyłać|wysyłaj*|przysyłać ... więcej|mi|do_mnie|na_ten|już|nam|ze_mną|do_nas
            nie ... wysyłać|wysyłaj*|przysyłać ... {Mail}
            nie ... przysyłaj*|pisać|pisz* ... więcej|mi|do_mnie|na_ten|już|nam|ze_mną|do_nas|{Mail}
            nie ... kontaktować|kontaktuj* ... więcej|mi|do_mnie|na_ten|już|nam|ze_mną|do_nas|{Mail}
            nie ... przesyłać|wysyłajcie ... więcej|mi|do_mnie|na_ten|już|nam|ze_mną|do_nas|{Mail}
            nie chcę|życzę|życzymy|chcemy|zgadzam ... otrzymywać|dostawać|{Mail}|kontakt*|otrzymywania
            nie chcę|życzę|życzymy|chcemy|zgadzam ... wiadomości
            więcej|już nie pisać|wysyłać|przysyłać|kontaktować
            proszę|bez [już] [o] nie|więcej pisać|wysyłać|kontaktować|maili|przysyłać
        """,
        "whole": """
            wypisz|wypisz_mnie|rezygnuję|rezygnacja|usuń|usunąć|wypisuję_się|wypisać|proszę_wypisać
            proszę_usunąć|anuluj_subskrypcję|zrezygnuj|nie_pisać_więcej
        """,
        "alone": "stop|dość|koniec|przestańcie|usuń",
        "possible": """
            skąd ... mają|macie|masz|ma|pan|państwo ... adres|dane|mail|kontakt|mój|moje
            znowu|kolejny|kolejna|następny mail|wiadomość|e_mail
            dlaczego|czemu ... dostaję|otrzymuję|jestem|piszecie|otrzymujemy
            nie|nigdy ... zapisywał*|zgody|prosił*|zamawiał*|zgadzał*|wyrażał*
            bez [mojej|naszej] zgody
            niechcian*|niezamówion*
            spam
            rodo|uodo|adwokat|prawnik
        """,
    },
    "cs sk": {
        "Mail": """
            maily|mailov|mailů|e_maily|e_mailů|e_mailov|zprávy|zpráv|správy|správ|nabídky|nabídek
            ponuky
            ponúk|reklamu|reklamy|newsletter*|obchodní_sdělení|email*|mail*|spam*
        """,
        "remove": """
            odstraňte ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstraňte ... můj ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstraňte ... môj|naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstranit ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstranit ... můj ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstranit ... môj|naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstráňte ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstráňte ... můj ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstráňte ... môj|naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstrániť ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstrániť ... můj ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstrániť ... môj|naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vymažte ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vymažte ... můj|môj ... [seznamu|zoznamu|databáze|databázy|evidence]
            vymažte ... naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vymazat ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vymazat ... můj|môj ... [seznamu|zoznamu|databáze|databázy|evidence]
            vymazat ... naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vymazať ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vymazať ... můj|môj ... [seznamu|zoznamu|databáze|databázy|evidence]
            vymazať ... naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyřaďte ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyřaďte ... můj|môj ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyřaďte ... naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyřadit ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyřadit ... můj|môj ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyřadit ... naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyraďte ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyraďte ... můj|môj ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyraďte ... naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyradiť ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyradiť ... můj|môj ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyradiť ... naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyškrtněte ... mě|mne|nás|mňa|ma|moji ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyškrtněte ... moje|můj ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyškrtněte ... môj|naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyškrtnite ... mě|mne|nás|mňa|ma|moji ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyškrtnite ... moje|můj ... [seznamu|zoznamu|databáze|databázy|evidence]
            vyškrtnite ... môj|naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            smažte ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            smažte ... můj|môj ... [seznamu|zoznamu|databáze|databázy|evidence]
            smažte ... naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            smazat ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            smazat ... můj|môj ... [seznamu|zoznamu|databáze|databázy|evidence]
            smazat ... naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhlaste ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhlaste ... můj ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhlaste ... môj|naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhlásit ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhlásit ... můj ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhlásit ... môj|naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhláste ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhláste ... můj ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhláste ... môj|naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhlásiť ... mě|mne|nás|mňa|ma|moji|moje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhlásiť ... můj ... [seznamu|zoznamu|databáze|databázy|evidence]
            odhlásiť ... môj|naši|naše|adresu|údaje ... [seznamu|zoznamu|databáze|databázy|evidence]
            odstraňte ... seznamu|zoznamu|databáze|databázy|mailing*|evidence|odběru|odberu|rozesílky
            odstranit ... seznamu|zoznamu|databáze|databázy|mailing*|evidence|odběru|odberu|rozesílky
            odstráňte ... seznamu|zoznamu|databáze|databázy|mailing*|evidence|odběru|odberu|rozesílky
            odstrániť ... seznamu|zoznamu|databáze|databázy|mailing*|evidence|odběru|odberu|rozesílky
            vymažte|vyřaďte ... seznamu|zoznamu|databáze|databázy|mailing*|evidence|odběru|odberu
            vymažte|vyřaďte ... rozesílky
            vyraďte|smažte ... seznamu|zoznamu|databáze|databázy|mailing*|evidence|odběru|odberu
            vyraďte|smažte ... rozesílky
            odhlaste ... seznamu|zoznamu|databáze|databázy|mailing*|evidence|odběru|odberu|rozesílky
            odhláste ... seznamu|zoznamu|databáze|databázy|mailing*|evidence|odběru|odberu|rozesílky
            odhlásit|odhlásiť|odhlašuji|odhlasujem|odhlaste|odhláste [se|sa|mě|ma|mňa]
            přeji|chci|želám|chcem|prosím|žádám|žiadam ... odhlásit|odhlásiť|vyřadit|vyradiť|odstranit
            přeji|chci|želám|chcem|prosím|žádám|žiadam ... vymazání|výmaz|vyřazení
            přestaňte|prestaňte ... posílat|posielať|psát|písať|kontaktovat|kontaktovať|otravovat
            přestaňte|prestaňte ... zasílat
            přestaňte|prestaňte ... zasielať
            odvolávám|odvolávam ... souhlas|súhlas
            nesouhlasím|nesúhlasím ... zpracov*|spracov*|zasíl*|zasiel*
            vznáším|vznášam|podávám námitk*|námietk*
            nechte|nechajte mě|mne|nás|ma|mňa ... být|pokoji|tak
        """,
        "refuse": """
            neposílejte|neposielajte|nezasílejte|nezasielajte|nepište|nepíšte ... [mi|nám|mě|ma]
            nekontaktujte|neposílat|nezasílat|nepsat|neposielať ... [mi|nám|mě|ma]
            nechci|nepřeji|nepřejeme|neželám ... {Mail}|dostávat|dostávať|kontaktován|kontaktovaný
            nechci|nepřeji|nepřejeme|neželám ... od_vás
            nechceme|nechcem|neprajem ... {Mail}|dostávat|dostávať|kontaktován|kontaktovaný|od_vás
            žádné|žiadne|už_žádné|už_žiadne [další|ďalšie] {Mail}
        """,
        "whole": """
            odhlásit|odhlásiť|odhlásit_odběr|odhlásiť_odber|odhlaste_mě|odhlášení|odhlásenie|vymazat
            odhlaste|odhláste_ma
        """,
        "alone": "stop|dost|dosť|konec|koniec",
        "possible": """
            odkud|kde|kdo|odkiaľ|kto ... máte|vzali|získali|sehnali|dal ... můj|moji|moje|mou|adresu
            odkud|kde|kdo|odkiaľ|kto ... máte|vzali|získali|sehnali|dal ... kontakt
            odkud|kde|kdo|odkiaľ|kto ... máte|vzali|získali|sehnali|dal ... môj|e_mail|mail
            zase|opět|další|opäť|zasa|ďalší mail|e_mail|zpráva|správa|email
            proč|prečo ... dostávám|dostávam|píšete|posíláte|posielate
            nikdy|nic|ne ... nežádal*|neobjednal*|nepřihlásil*|neprihlásil*|nežiadal*|souhlas|súhlas
            bez [mého|môjho] souhlasu|súhlasu
            nevyžádan*|nevyžiadan*
            spam
            gdpr|právník|právnik|uoou
        """,
    },
}
