"""Words that turn a phrase round or give it another subject, and polite words that change nothing."""

from __future__ import annotations

GUARDS = {
    "en de fr es it pt nl sv da nb fi pl cs sk ru uk": {
        "third_party": """
            customer|customers|client|clients|user|users|people|prospect|prospects|lead|leads|recipient
            recipients|vendor|vendors|subscribers|everyone|everybody|anyone|nobody|competitors|they|them
            persons|someone|somebody|contacts
            tool|software|platform|feature|product|app|plugin|button|api|module|functionality
            kunden|kunde|nutzer|anwender|empfänger|leute|kontakte|niemanden|niemand|jemand|jemanden
            interessenten
            clients|utilisateurs|prospects|destinataires|gens|personne_ne
            clientes|usuarios|usuários|destinatarios|destinatários|gente
            clienti|utenti|destinatari
            klanten|gebruikers|ontvangers|mensen
            kunder|användare|mottagare|brugere|brukere
            asiakkaat|asiakkaamme|käyttäjät
            klienci|klientów|klienti|zákazníci|użytkownicy
            клиенты|клиентов|пользователи|клієнти|користувачі
        """,
        "negation": """
            not|dont|never|no|wont|cannot|cant|doesnt|didnt|without|havent|shouldnt|neednt
            nicht|nie|niemals|kein|keine|niemanden
            ne|n|pas|jamais|ni
            non|mai
            nunca|jamás|não|nao|nem
            niet|nooit|geen
            inte|ej|aldrig|ikke|aldri
            älkää|älä|ei|en|emme
            nie|nigdy|ne|nikdy
            не|ні|никогда|ніколи
        """,
    },
}
POLITE = """
    please pls plz plese pleae kindly just thanks thank you thx ty hi hello hey dear sir madam regards best
    kind cheers asap now immediately sincerely again ok okay and so yes sorry guys team bitte danke vielen
    dank mfg gruß grüße freundlichen mit hallo sofort guten tag umgehend merci svp sil vous plaît bonjour
    cordialement cdt s il te por favor gracias hola saludos obrigado obrigada olá ola cumprimentos per favore
    grazie cortesemente salve buongiorno saluti cordiali aub a u b alstublieft graag bedankt hallo groet
    alsjeblieft svp dank tack snälla vänligen hej mvh tak takk venligst vennligst hilsen vh kiitos
    ystävällisesti hei terveisin proszę prosze dziękuję dziękuje dzień dobry pozdrawiam prosím děkuji ďakujem
    dobrý den s pozdravem пожалуйста спасибо будь ласка дякую здравствуйте прошу kérem köszönöm üdv vă rog
    mulțumesc lütfen teşekkürler παρακαλώ ευχαριστώ נא בבקשה תודה رجاء شكرا من فضلك tolong mohon terima kasih
    xin vui lòng
"""
