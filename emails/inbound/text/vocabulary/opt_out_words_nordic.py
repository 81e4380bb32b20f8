"""The same as opt_out_words for the languages of northern Europe."""

from __future__ import annotations

OPT_OUT_NORDIC = {
    "sv": {
        "Mail": """
            mejl|mail|mejlen|mailen|e_post|epost|meddelanden|meddelande|reklam|utskick|nyhetsbrev|brev
            erbjudanden|mailutskick|spam|kontakt
        """,
        "remove": """
            ta|tag|stryk|radera|plocka|släng ... bort|mig|oss|min|vår|ur ... från|ur ... lista|listan
            ta|tag|stryk|radera|plocka|släng ... bort|mig|oss|min|vår|ur ... från|ur ... sändlista
            ta|tag|stryk|radera|plocka|släng ... bort|mig|oss|min|vår|ur ... från|ur ... sändlistan
            ta|tag|stryk|radera|plocka ... bort|mig|oss|min|vår|ur ... från|ur ... maillista|mejllista
            släng ... bort|mig|oss|min|vår|ur ... från|ur ... maillista|mejllista
            ta|tag|stryk|radera|plocka ... bort|mig|oss|min|vår|ur ... från|ur ... register|registret
            släng ... bort|mig|oss|min|vår|ur ... från|ur ... register|registret
            ta|tag|stryk|radera|plocka ... bort|mig|oss|min|vår|ur ... från|ur ... utskick|utskicken
            släng ... bort|mig|oss|min|vår|ur ... från|ur ... utskick|utskicken
            ta|tag|stryk|radera|plocka|släng ... bort|mig|oss|min|vår|ur ... från|ur ... utskickslista
            ta|tag|stryk|radera|plocka ... bort|mig|oss|min|vår|ur ... från|ur ... databas|databasen
            släng ... bort|mig|oss|min|vår|ur ... från|ur ... databas|databasen
            ta|tag|stryk|radera|plocka ... bort|mig|oss|min|vår|ur ... från|ur ... system|sändlistor
            släng ... bort|mig|oss|min|vår|ur ... från|ur ... system|sändlistor
            ta|tag|stryk|radera|plocka ... bort|mig|oss|min|vår|ur ... från|ur ... mailinglista|listor
            släng ... bort|mig|oss|min|vår|ur ... från|ur ... mailinglista|listor
            ta|tag bort|väck mig|oss [från|adress|e_postadress|uppgifter|mail|mejladress|mailadress]
            ta|tag bort|väck min [från|adress|e_postadress|uppgifter|mail|mejladress|mailadress]
            ta|tag bort|väck mina|vår [från|adress|e_postadress|uppgifter|mail|mejladress|mailadress]
            ta|tag bort|väck våra [från|adress|e_postadress|uppgifter|mail|mejladress|mailadress]
            avregistrera|avprenumerera|avanmäl|avanmäla [mig|oss|min|från]
            stryk|radera mig|min|mina|oss [adress|uppgifter]
            vill|önskar|ber ... avregistrer*|avsluta|bli_borttag*|avprenumerer*|tas_bort
            sluta|upphör|stoppa ... skicka|mejla|maila|skriva|kontakta|spamma|med|utskick*|höra
            motsätter mig
            återkallar mitt samtycke
            lämna mig|oss ifred|i_fred
        """,
        "refuse": """
            inga|ingen|inget [fler|mer|flera|ytterligare] {Mail} [tack]
            inga|ingen fler|mer|flera {Mail}
            skicka|kontakta|mejla|maila|skriv ... inte|inga|inget ... mer|fler|igen|längre|{Mail}
            vill|önskar ... inte|inga|ej|inget ... {Mail}|mer|kontaktad|höra|fler
            vill|önskar inte|ej [längre] ha|få|bli|höra
        """,
        "whole": """
            avregistrera|avregistrering|avprenumerera|avanmäl|avanmälan|avmeld|avregistrera_mig
            ta_bort_mig
            ta_bort|inga_fler_mail|inga_fler_mejl
        """,
        "alone": "stop|stopp|sluta|nog|stoppa",
        "possible": """
            var|hur|varifrån|vem ... fick|fått|har|hittade|gav ... min|mina|adress|uppgifter
            var|hur|varifrån|vem ... fick|fått|har|hittade|gav ... mejladress
            var|hur|varifrån|vem ... fick|fått|har|hittade|gav ... mailadress
            ännu|åter|igen ett mejl|mail
            varför ... får|fick|står|mejlar ... mejl|mail|detta|lista|mig
            aldrig|inte|ej ... bett|beställt|anmält|registrerat|samtycke|godkänt
            utan [mitt] samtycke
            oönskad*|oombedd*
            spam|skräppost
            gdpr|advokat|imy
            hur ... avregistrerar|avprenumererar
        """,
    },
    "da nb": {
        "Mail": """
            mail|mails|e_mail|e_mails|e_post|epost|beskeder|meldinger|reklame|nyhedsbrev|nyhetsbrev
            henvendelser|besked|melding|spam|mailer|eposter|e_poster|markedsføring
        """,
        "remove": """
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... liste
            stryk ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... liste
            fjern|slet|slett|tag|ta|stryg|stryk ... mit|denne|vores|vår ... fra|af|av|ut|ud ... liste
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... listen
            stryk ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... listen
            fjern|slet|slett|tag|ta|stryg|stryk ... mit|denne|vores|vår ... fra|af|av|ut|ud ... listen
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... lister
            stryk ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... lister
            fjern|slet|slett|tag|ta|stryg|stryk ... mit|denne|vores|vår ... fra|af|av|ut|ud ... lister
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... listene
            stryk ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... listene
            fjern|slet|slett|tag|ta|stryg ... mit|denne|vores|vår ... fra|af|av|ut|ud ... listene
            stryk ... mit|denne|vores|vår ... fra|af|av|ut|ud ... listene
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... mailliste
            stryk ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... mailliste
            fjern|slet|slett|tag|ta|stryg ... mine|mit|denne|vores ... fra|af|av|ut|ud ... mailliste
            stryk ... mine|mit|denne|vores ... fra|af|av|ut|ud ... mailliste
            fjern|slet|slett|tag|ta|stryg|stryk ... vår ... fra|af|av|ut|ud ... mailliste
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... maillisten
            stryk ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... maillisten
            fjern|slet|slett|tag|ta|stryg ... mine|mit|denne|vores ... fra|af|av|ut|ud ... maillisten
            stryk ... mine|mit|denne|vores ... fra|af|av|ut|ud ... maillisten
            fjern|slet|slett|tag|ta|stryg|stryk ... vår ... fra|af|av|ut|ud ... maillisten
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... database
            stryk ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... database
            fjern|slet|slett|tag|ta|stryg ... mit|denne|vores|vår ... fra|af|av|ut|ud ... database
            stryk ... mit|denne|vores|vår ... fra|af|av|ut|ud ... database
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... register
            stryk ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... register
            fjern|slet|slett|tag|ta|stryg ... mit|denne|vores|vår ... fra|af|av|ut|ud ... register
            stryk ... mit|denne|vores|vår ... fra|af|av|ut|ud ... register
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... mailinglist*
            stryk ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... mailinglist*
            fjern|slet|slett|tag|ta|stryg ... mine|mit|denne ... fra|af|av|ut|ud ... mailinglist*
            stryk ... mine|mit|denne ... fra|af|av|ut|ud ... mailinglist*
            fjern|slet|slett|tag|ta|stryg|stryk ... vores|vår ... fra|af|av|ut|ud ... mailinglist*
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... adresseliste
            stryk ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... adresseliste
            fjern|slet|slett|tag|ta|stryg ... mine|mit|denne ... fra|af|av|ut|ud ... adresseliste
            stryk ... mine|mit|denne ... fra|af|av|ut|ud ... adresseliste
            fjern|slet|slett|tag|ta|stryg|stryk ... vores|vår ... fra|af|av|ut|ud ... adresseliste
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... postliste
            stryk ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... postliste
            fjern|slet|slett|tag|ta|stryg ... mine|mit|denne|vores ... fra|af|av|ut|ud ... postliste
            stryk ... mine|mit|denne|vores ... fra|af|av|ut|ud ... postliste
            fjern|slet|slett|tag|ta|stryg|stryk ... vår ... fra|af|av|ut|ud ... postliste
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... epostliste
            stryk ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... epostliste
            fjern|slet|slett|tag|ta|stryg ... mine|mit|denne|vores ... fra|af|av|ut|ud ... epostliste
            stryk ... mine|mit|denne|vores ... fra|af|av|ut|ud ... epostliste
            fjern|slet|slett|tag|ta|stryg|stryk ... vår ... fra|af|av|ut|ud ... epostliste
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... systemet
            stryk ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... systemet
            fjern|slet|slett|tag|ta|stryg ... mit|denne|vores|vår ... fra|af|av|ut|ud ... systemet
            stryk ... mit|denne|vores|vår ... fra|af|av|ut|ud ... systemet
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... kartotek
            stryk ... mig|meg|os|oss|min|mine ... fra|af|av|ut|ud ... kartotek
            fjern|slet|slett|tag|ta|stryg ... mit|denne|vores|vår ... fra|af|av|ut|ud ... kartotek
            stryk ... mit|denne|vores|vår ... fra|af|av|ut|ud ... kartotek
            fjern|slet|slett|tag|ta|stryg ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... nyhedsbrev
            stryk ... mig|meg|os|oss|min ... fra|af|av|ut|ud ... nyhedsbrev
            fjern|slet|slett|tag|ta|stryg ... mine|mit|denne|vores ... fra|af|av|ut|ud ... nyhedsbrev
            stryk ... mine|mit|denne|vores ... fra|af|av|ut|ud ... nyhedsbrev
            fjern|slet|slett|tag|ta|stryg|stryk ... vår ... fra|af|av|ut|ud ... nyhedsbrev
            fjern|slet|slett mig|meg|os|oss [fra]
            fjern|slet|slett min|mine|mit|denne|vores|vår [e] [post|mail] adresse|mailadresse
            fjern|slet|slett min|mine|mit|denne|vores|vår [e] [post|mail] oplysninger
            fjern|slet|slett min|mine|mit|denne|vores|vår [e] [post|mail] opplysninger|data
            fjern|slet|slett min|mine|mit|denne|vores|vår [e] [post|mail] kontaktinfo*
            fjern|slet|slett min|mine|mit|denne|vores|vår [e] [post|mail] epostadresse
            afmeld|avmeld|frameld|meld ... mig|meg|os|oss [af|av|fra]
            afmeld|avmeld|frameld $
            ønsker|vil|vill ... afmeld*|avmeld*|slettes|slettet|fjernes|fjernet|framelde*|frameldes
            stop|stopp|slut|slutt|hold ... med|op|opp ... skrive|sende|maile|kontakte|mails|mailene
            stop|stopp|slut|slutt|hold ... med|op|opp ... e_poster
            stop|stopp|slut|slutt|hold ... med|op|opp ... spam|spamme
            stop|stopp|slut|slutt at|å|med_å|med_at sende|skrive|kontakte|maile|spamme
            trækker|trekker mit|mitt samtykke
            gør|gjør indsigelse
            lad|la mig|meg|os|oss være|vær ... i_fred
        """,
        "refuse": """
            ingen|ikke flere|fler|mer|mere|yderligere {Mail} [tak|takk]
            send|skriv|kontakt|mail|maile ... ikke|ingen ... flere|mer|mere|igen|igjen|{Mail}
            ikke send|kontakt|skriv|mail ... mig|meg|os|oss|mer|flere
            ønsker|vil ... ikke|ingen ... {Mail}|kontaktet|kontaktes|høre|modtage|motta|flere
            ønsker|vil ikke [længere|lenger|at] [få|modtage|motta|høre|blive|bli|ha|have]
        """,
        "whole": """
            afmeld|avmeld|frameld|afmelding|avmelding|slet_mig|slett_meg|fjern_mig|fjern_meg
            ingen_flere_mails|afmeld_mig|meld_meg_av|meld_mig_fra
        """,
        "alone": "stop|stopp|slut|slutt|nok|fjern|slet",
        "possible": """
            hvor|hvordan|hvem ... fik|fikk|har|fundet|funnet|gav ... min|mit|mine|adresse|mail
            hvor|hvordan|hvem ... fik|fikk|har|fundet|funnet|gav ... oplysninger
            hvor|hvordan|hvem ... fik|fikk|har|fundet|funnet|gav ... opplysninger
            endnu|enda|igen|nok en mail|e_post|mail_fra|e_mail
            hvorfor ... får|modtager|mottar|står|skriver ... mail|mails|e_post|liste|listen|dette|mig
            hvorfor ... får|modtager|mottar|står|skriver ... meg
            aldrig|aldri|ikke ... bedt|tilmeldt|påmeldt|samtykk*|meldt|bestilt
            uden|uten [mit|mitt] samtykke
            uønsket|uopfordret|uoppfordret
            spam
            gdpr|advokat|datatilsynet
            hvordan ... afmelder|avmelder
        """,
    },
    "fi": {
        "remove": """
            poista ... minut ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistakaa ... minut ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistaa ... minut ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poista ... meidät ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistakaa ... meidät ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistaa ... meidät ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poista ... osoitteeni ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistakaa ... osoitteeni ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistaa ... osoitteeni ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poista ... tietoni ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistakaa ... tietoni ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistaa ... tietoni ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poista ... sähköpostini ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistakaa ... sähköpostini ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistaa ... sähköpostini ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poista ... osoitteemme ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistakaa ... osoitteemme ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistaa ... osoitteemme ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poista ... yhteystietoni ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistakaa ... yhteystietoni ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistaa ... yhteystietoni ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poista ... sähköpostiosoitteeni ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistakaa ... sähköpostiosoitteeni ... [listalta*|postituslistalta*|rekisteristä*]
            poistaa ... sähköpostiosoitteeni ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poista ... tämä_osoite ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistakaa ... tämä_osoite ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            poistaa ... tämä_osoite ... [listalta*|listaltanne|postituslistalta*|rekisteristä*|rekisteristänne]
            minut|meidät ... pois|poistaa|poistettava ... [listalta*|postituslistalta*|rekisteristä*]
            osoitteeni|tietoni ... pois|poistaa ... [listalta*|postituslistalta*|rekisteristä*]
            osoitteeni|tietoni ... poistettava ... [listalta*|postituslistalta*|rekisteristä*]
            poista|poistakaa listalta*|postituslistalta*|jakelulistalta*
            haluan|haluamme|pyydän ... perua|peruuttaa|poistetta*|pois|poistamaan|erota
            peruuta|peruuttakaa|peru|peruutan|perun [uutiskirje*|tilaus*|tilaukseni]
            lopettakaa|lopeta|lopettaa ... viestit|viestien|lähettäminen|sähköposti*|postit*|spämm*
            lopettakaa|lopeta|lopettaa ... yhteydenot*
            peruutan suostumukse*
            vastustan ... käsittely*
            jättäkää minut|meidät rauhaan
        """,
        "refuse": """
            älkää|älä|ei|en|emme ... lähettäkö|lähetä|ottako|ota ... enää|lisää|minulle|meille
            älkää|älä|ei|en|emme ... lähettäkö|lähetä|ottako|ota ... yhteyttä
            älkää|älä|ei|en|emme ... kirjoittako|kirjoita|lähetelkö ... enää|lisää|minulle|meille
            älkää|älä|ei|en|emme ... kirjoittako|kirjoita|lähetelkö ... yhteyttä
            en|emme halua|tahdo|toivo ... viestejä*|sähköposti*|postia|viestejänne|mainoksia|enempää
            en|emme halua|tahdo|toivo ... enää
            en|emme halua|tahdo|toivo ... uutiskirje*
            ei enää|enempää|lisää viestejä|sähköposteja|posteja|mainoksia|postia
        """,
        "whole": """
            poista_listalta|peruuta_tilaus|peru_tilaus|poista_minut|poistakaa_minut|ei_enää_viestejä
            peruutus|poistakaa_listalta
        """,
        "alone": "stop|seis|lopeta|riittää|lopettakaa|poistakaa",
        "possible": """
            mistä|kuka ... saitte|sait|saitko|löysitte|antoi ... osoitteeni|tietoni|sähköpostini|minut
            mistä|kuka ... saitte|sait|saitko|löysitte|antoi ... yhteystietoni
            miksi ... saan|saamme|lähetätte|olen
            taas|jälleen viesti|sähköposti|postia|mainos*
            en|emme ... pyytänyt|tilannut|antanut|ilmoittautunut
            roskaposti*|spämmi|spam|spammi
            gdpr|tietosuojavaltuutettu*|lakimie*
        """,
    },
}
