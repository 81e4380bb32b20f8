"""How people ask not to be written to any more, per language: kind → phrases. A capital begins a name for `{…}`.

Kinds: remove (asks to be taken off or to stop; a negation turns it round), refuse (holds its negation itself), whole
(asks only as a clause of its own), alone (asks only as the whole text), possible (near it: held for a user to decide).
"""

from __future__ import annotations

OPT_OUT_WEST = {
    "en": {
        "Me": """
            me|us|my_address|my_email|my_e_mail|my_mail|my_email_address|my_e_mail_address|my_mail_address
            my_name
            this_address|this_email|this_email_address|this_mailbox|our_address|our_company|our_domain
            our_email|myself
            all_of_us|my_company|my_inbox|my_data|my_details|my_contact|my_contact_details|my_personal_data
            our_team
            my_information|my_info|our_details|our_data|the_above_address|everyone_here
            my_contact_information
        """,
        "List": """
            list|lists|mailing|mailings|database|databases|distribution|system|crm|newsletter|newsletters
            records|files|file
            mails|emails|e_mails|contacts|outreach|sequence|sequences|campaign|campaigns|correspondence
            communications
            marketing|email|e_mail|distro|maillist|mailinglist|maillinglist|cadence|subscription
            subscriptions
        """,
        "Mail": """
            mail|mails|email|emails|e_mail|e_mails|message|messages|newsletter|newsletters|spam|advertising
            ads
            communication|communications|correspondence|offers|marketing|mailings|promotions|solicitations
            contact|stuff|junk
        """,
        "Write": """
            email|emailing|e_mail|e_mailing|mail|mailing|message|messaging|contact|contacting|spam|spamming
            write|writing|bother|bothering|pester|pestering|harass|harassing|solicit|soliciting|bugging|bug
        """,
        "remove": """
            cease and desist {Write}|sending|from|all
            erase|delete|remove|destroy all|any|the [personal] data|information|details .. about|on|regarding me|us
            remove|delete|erase|exclude|purge|drop|unlist|scrub {Me} $
            remove|delete|erase|exclude|purge|drop|strike|scratch {Me} .. from|off|out_of|form|of ... {List}
            scrub|cross|wipe|unlist|clear {Me} .. from|off|out_of|form|of ... {List}
            remove|delete|erase {Me} from|off your
            remove|delete|erase my|our [email|e_mail|contact|personal] data|details|information|info|address
            remove|delete|erase my|our [email|e_mail|contact|personal] data|details|information|info|address
            remove|delete|erase my|our [email|e_mail|contact|personal] data|details|information|info|address
            remove|delete|erase my|our [email|e_mail|contact|personal] data|details|information|info|address
            take|strike|cross|get|keep|leave|cut {Me} off|out_of|from ... {List}
            take {Me} off $
            take {Me} off your|this|the [mailing] list
            unsubscribe|desubscribe|deregister|unenroll {Me}
            unsubscribe this|my [email|e_mail] address|email|account
            unsubscribe from this|your|these|the|all
            please|kindly|pls|plz|plese|pleae unsubscribe
            want|wish|like|asked|asking|request|requesting|need|demand ... unsubscribe|unsubscribed
            want|wish|like|asked|asking|request|requesting|need|demand .. to be removed|deleted|taken_off
            want|wish|like to opt_out|unsubscribe
            opt {Me} out
            opting out of
            i|we hereby|would_like_to|want_to|wish_to|am|are opt_out|opting_out
            stop|cease|quit|discontinue {Write} me|us|people|this_address|my|here|our
            stop|cease|quit|discontinue|end sending|delivering ... {Mail}
            stop|cease|quit sending me|us|these|this
            stop|cease|discontinue|end with|all|any|these|the|this|your [further|of_your] {Mail}
            stop {Mail}
            ^ stop|cease|quit {Write} $
            be|are|is|am|get|being removed|deleted|unsubscribed|taken_off|excluded [from] ... {List}
            already|previously unsubscribed|opted_out
            asked|told you ... stop|unsubscribe|remove|removed
            i|we opt_out $
            stop bothering|harassing|pestering|spamming
            stop this|the|your spam
            make|have these|this|it|the_emails|the_mails stop
            lose|forget|destroy my number|address|email|details
            leave me|us alone
            object|objection to [the|any] [further] processing|use|usage
            withdraw|revoke my|our|any consent
            exercise|exercising ... right ... erasure|forgotten|object|deletion
            request ... erasure|deletion|removal of my|our|all
            right to be forgotten
        """,
        "refuse": """
            do_not|dont|never {Write} to {Me} [again|anymore|any_more]
            put|add|place {Me} on|to ... do_not_contact|do_not_mail|suppression|blocklist|blacklist|dnc
            put|add|place {Me} on|to ... do_not_email|no_contact
            do_not|dont|never|not {Write} {Me} [again|anymore|any_more|further|ever]
            do_not|dont|never {Write} {Me} $
            do_not|dont|never {Write} {Me} again|anymore|any_more|further|ever|with|about_this|for_this
            do_not|dont|never {Write} {Me} in_the_future|at_this
            do_not|dont|never {Write} again|anymore|any_more|further
            do_not|dont|never send {Me} [any] more|further|other|anything|emails|e_mails|mails|messages|mail
            do_not|dont|never send {Me} [any] newsletters|spam|offers|unsolicited
            do_not|dont|never send ... more|further ... {Mail}
            do_not|dont|never send {Mail} [to] {Me}
            do_not|dont|never send {Me} ... again|anymore|any_more
            no more mailing|emailing|spamming|contacting
            no_longer|do_not|dont|not want to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            never want to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            no_longer|do_not|dont|not wish to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            never wish to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            no_longer|do_not|dont|not like to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            never like to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            no_longer|do_not|dont|not care to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            never care to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            no_longer|do_not|dont|not need to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            never need to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            no_longer|do_not|dont interested to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            not|never interested to|in [receive|receiving|get|getting|hear|hearing] ... {Mail}
            no_longer|do_not|dont|not|never want|wish|like|care to hear from|again
            no_longer|do_not|dont|not|never want|wish|like|need any [more|further|of_your|kind_of] {Mail}
            no_longer|do_not|dont|not|never want|wish|like|need more [more|further|of_your|kind_of] {Mail}
            no_longer|do_not|dont|not|never want|wish|like|need your [more|further|of_your|kind_of] {Mail}
            no_longer|do_not|dont|not|never want|wish|like|need these [more|further|of_your|kind_of] {Mail}
            no_longer|do_not|dont|not want|wish|like|need further [more|further|of_your|kind_of] {Mail}
            never want|wish|like|need further [more|further|of_your|kind_of] {Mail}
            no_longer|do_not|dont|not|never want|wish|like|need such [more|further|of_your|kind_of] {Mail}
            no_longer|do_not|dont|not|never want|wish|like|need this [more|further|of_your|kind_of] {Mail}
            no_longer|do_not|dont|not|never want|wish|like to be contacted|emailed|mailed|on
            would|d rather|prefer not [to] receive|be_contacted|hear|get
            refrain from {Write}|sending|further|any
            desist from
            ^ no more|further|additional [of] [your|these|such] {Mail}
            no more|further|additional [of] [your|these|such] {Mail} $
            no more|further|additional {Mail} from|to
            no longer wish|want to receive
        """,
        "whole": """
            unsubscribe|opt_out|optout|unsubscribe_me|remove_me|take_me_off|un_subscribe|no_more_emails|no_mails|no_mail|no_emails
            no_more_mails|no_more_mail|delete_me|unsubscribe_now|unsubscribe_this|off_the_list
            do_not_contact|do_not_email|dont_email|stop_emails|stop_mail|stop_email
        """,
        "alone": """
            stop|stopp|remove|end|quit|cancel|delete|unsub|unsubscribed|stop_it|stop_this|enough|removed
            stop_stop|stop_now|stop_immediately
        """,
        "possible": """
            where|how did|do|have you get|got|find|found|obtain|obtained|have|take ... me|my|our|us|this
            where|how did|do|have you get|got|find|found|obtain|obtained|have|take ... address|email|details
            where|how did|do|have you get|got|find|found|obtain|obtained|have|take ... data|contact|name
            who gave|passed you ... my|our
            why am|are|do|did|have i|we|you ... list|mailing|this|these|emails|mails|email|receiving|getting
            why am|are|do|did|have i|we|you ... email|mail
            not sure|clear why ... list|mailing|this|these|emails|receiving|getting
            havent|didnt|never|have_not|did_not|dont_remember|do_not_recall ask|asked|sign|signed|signing
            havent|didnt|never|have_not|did_not|dont_remember|do_not_recall subscribe|subscribed|subscribing
            havent|didnt|never|have_not|did_not|dont_remember|do_not_recall request|requested|agree|agreed
            havent|didnt|never|have_not|did_not|dont_remember|do_not_recall opt|opted|consent|consented
            never|no gave|given|give ... consent|permission
            without my|our consent|permission
            unsolicited
            is|looks_like|considered|this is|as|pure|just|marking [it|this|you|as|for|to] spam|spamming
            is|looks_like|considered|this marked|report|reported [it|this|you|as|for|to] spam|spamming
            is|looks_like|considered|this reporting [it|this|you|as|for|to] spam|spamming
            spam|spammer|spammers $
            another|yet_another|again|one_more email|mail|message from you
            too|so many mails|emails|messages
            how|where ... [do|can|could] i|we|one|you .. unsubscribe|opt_out|get_off
            unsubscribe|opt_out link|button|option ... your|this|these email|emails|mail|mails|message
            unsubscribe|opt_out link|button|option ... your|this|these messages
            unsubscribe|opt_out link ... not|doesnt|broken|does_not|isnt
            no unsubscribe|opt_out link|button|option
            cease and desist
            legal action
            lawyer|attorney|ico|data_protection_officer
            gdpr|ccpa|can_spam|casl
            go away|to_hell
            get lost
            fuck|piss off
            block|blocking you
            report you
            dont know you|who_you_are
            quit it
            stop it|this|that $
            enough [is_enough] already|of_this|with
            last|final warning
        """,
    },
    "de": {
        "Me": """
            mich|uns|meine_adresse|meine_mailadresse|meine_e_mail_adresse|meine_e_mail|diese_adresse
            meine_daten|unsere_adresse|meine_emailadresse|diese_e_mail_adresse|unsere_daten|meinen_namen
            meine_kontaktdaten|meine_email|unsere_firma|alle_daten|meine_personenbezogenen_daten
            alle_meine_daten|sämtliche_daten|unsere_kontaktdaten
        """,
        "List": """
            verteiler|verteilern|liste|listen|mailingliste|datenbank|newsletter|kartei|adressliste|datei
            verteilerliste|mailverteiler|e_mail_verteiler|system|mailverteiler|adressbestand|adressdatenbank
            datenbestand|empfängerliste|emailverteiler|kundenkartei
        """,
        "Mail": """
            mail|mails|e_mail|e_mails|email|emails|nachricht|nachrichten|werbung|newsletter|zuschriften|post
            werbemails|anfragen|werbe_mails|kontaktaufnahme|kontaktaufnahmen|kontaktversuche
            anschreiben|zusendungen|zusendung|schreiben|werbemail
        """,
        "remove": """
            nehmen|nimm|nehmt|streichen|streiche|streicht|löschen|lösche ... {Me} ... aus|von ... {List}
            löscht|entfernen|entferne|entfernt|tragen|trage|tragt|austragen ... {Me} ... aus|von ... {List}
            werfen|schmeißen ... {Me} ... aus|von ... {List}
            {Me} ... aus|von ... {List} ... nehmen|streichen|löschen|entfernen|austragen|zu
            löschen|lösche|entfernen|entferne|löscht|entfernt [sie] [bitte] {Me}
            {Me} ... löschen|entfernen|austragen|abmelden $
            tragen|trage|tragt|melden|melde ... {Me} ... aus|ab
            möchte|will|wünsche|möchten|wollen ... abmelden|abbestellen|ausgetragen|gelöscht|austragen
            möchte|will|wünsche|möchten|wollen ... entfernt|abgemeldet
            bestelle|kündige ... newsletter|mails|e_mails ... [ab]
            widerrufe|widerspreche|untersage|verbiete ... newsletter|verteiler|werbung
            bestelle|kündige ... newsletter|mails|e_mails ... [ab]
            widerrufe|widerspreche|untersage|verbiete ... nutzung|verwendung|verarbeitung
            bestelle|kündige ... newsletter|mails|e_mails ... [ab]
            widerrufe|widerspreche|untersage|verbiete ... einwilligung|zusendung
            bestelle|kündige ... newsletter|mails|e_mails ... [ab]
            widerrufe|widerspreche|untersage|verbiete ... kontaktaufnahme|zustimmung
            bestelle|kündige ... newsletter|mails|e_mails ... [ab]
            widerrufe|widerspreche|untersage|verbiete ... speicherung|mails|e_mails
            bestelle|kündige ... newsletter|mails|e_mails ... [ab]
            widerrufe|widerspreche|untersage|verbiete ... werblichen|werbezwecken
            verlange|fordere|bitte_um|beantrage ... löschung|unterlassung
            löschung meiner|unserer|aller daten
            meine|unsere|sämtliche|alle_meine|unserer daten ... löschen|gelöscht
            widerspruch gegen|gem|nach
            stoppen|stopp|beenden ... {Mail}
            stellen sie ... {Mail} ... ein
            hören|hör|hört ... auf ... schreiben|mailen|belästigen|senden|schicken|kontaktieren|zu
            lassen|lass|lasst sie|mich|uns [mich|uns|bitte] [in] [ruhe|frieden]
            unterlassen|unterlasse|unterlasst ... {Mail}
            sehen|seht|sieh ... von ... {Mail} ... ab
        """,
        "refuse": """
            keine|kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... mehr
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... mehr
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... an_diese
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... an_diese
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... an_diese
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... an_mich
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... an_mich
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... an_mich
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... an_meine
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... an_meine
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... an_meine
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... von_ihnen
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... von_ihnen
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... von_ihnen
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... von_euch
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... von_euch
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... von_euch
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... erhalten
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... erhalten
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... erhalten
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... bekommen
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... bekommen
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... bekommen
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... schicken
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... schicken
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... schicken
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... senden
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... senden
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... senden
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... zusenden
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... zusenden
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... zusenden
            keine|kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... zu
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... zu
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... erwünscht
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... erwünscht
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... erwünscht
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... gewünscht
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... gewünscht
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... gewünscht
            keine [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... wünschen
            kein [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... wünschen
            keinerlei [weitere|weiteren|solche|solchen|derartige|derartigen|mehr|e] [werbe] {Mail} ... wünschen
            keine|kein|keinerlei weitere|weiteren|weiterer|mehr {Mail}
            keine|kein {Mail} mehr
            keine {Mail} erhalten|bekommen|empfangen
            schreiben|schreib ... mir|mich|uns ... nicht|nichts|nie|keine ... mehr|wieder|weiter|weiteren
            schicken|schick ... mir|mich|uns ... nicht|nichts|nie|keine ... mehr|wieder|weiter|weiteren
            senden|sende ... mir|mich|uns ... nicht|nichts|nie|keine ... mehr|wieder|weiter|weiteren
            kontaktieren ... mir|mich|uns ... nicht|nichts|nie|keine ... mehr|wieder|weiter|weiteren
            kontaktiere|mailen ... mir|mich|uns ... nicht|nichts|nie|keine ... mehr|wieder|weiter|weiteren
            mail|belästigen ... mir|mich|uns ... nicht|nichts|nie|keine ... mehr|wieder|weiter|weiteren
            anschreiben|schreibt ... mir|mich|uns ... nicht|nichts|nie|keine ... mehr|wieder|weiter|weiteren
            schickt ... mir|mich|uns ... nicht|nichts|nie|keine ... mehr|wieder|weiter|weiteren
            nicht|nichts|nie mehr|wieder|weiter|länger [von_ihnen] kontaktieren|anschreiben|schreiben
            nicht|nichts|nie mehr|wieder|weiter|länger [von_ihnen] kontaktiert|angeschrieben|belästigen
            nicht|nichts|nie mehr|wieder|weiter|länger [von_ihnen] belästigt|hören|erhalten|senden|schicken
            nicht|nichts|nie mehr|wieder|weiter|länger [von_ihnen] zusenden
            möchte|will ... keine|nichts|nicht ... mehr|weiteren|weitere|von_ihnen|erhalten ... {Mail}
            wünsche|möchten ... keine|nichts|nicht ... mehr|weiteren|weitere|von_ihnen|erhalten ... {Mail}
            wollen|wünschen ... keine|nichts|nicht ... mehr|weiteren|weitere|von_ihnen|erhalten ... {Mail}
            möchte|will|wünsche|möchten|wollen|wünschen ... keine ... {Mail} ... erhalten|bekommen|mehr
            möchte|will|möchten|wollen ... nichts|nicht ... [von_ihnen] hören|kontaktiert|angeschrieben
            kein weiterer kontakt
            wünsche|wünschen|wollen|möchten keine ... {Mail} $
            keinen [weiteren] kontakt
        """,
        "whole": """
            abmelden|abbestellen|austragen|abmeldung|löschen|mich_abmelden|mich_austragen
            newsletter_abbestellen|aus_dem_verteiler|keine_mails_mehr|keine_weiteren_mails
            keine_e_mails_mehr|abbestellung|austragung|keine_werbung|bitte_löschen
        """,
        "alone": "stop|stopp|ende|löschen|aufhören|schluss|genug",
        "possible": """
            woher haben|habt|hast sie|ihr|du ... meine|adresse|daten|kontakt|mail
            wie kommen|kommt|seid|sind sie|ihr ... an|auf meine|adresse|daten|mich
            schon|bereits wieder [eine|ein|so_eine] mail|e_mail|nachricht|email|werbung|werbemail
            warum|wieso|weshalb ... ich|wir ... mail|mails|e_mail|e_mails|verteiler|liste|angeschrieben
            warum|wieso|weshalb ... ich|wir ... nachrichten
            nie|nicht|niemals|keine ... angemeldet|eingetragen|zugestimmt|einwilligung|bestellt
            nie|nicht|niemals|keine ... darum_gebeten|angefordert|abonniert
            ohne meine|unsere|jede einwilligung|zustimmung|erlaubnis
            unaufgefordert*|unerwünscht*|unverlangt*|belästigung
            spam
            dsgvo|datenschutzbeauftragt*|anwalt|abmahnung|uwg|rechtsanwalt|abmahnen
            wie|wo ... abmelden|abbestellen|austragen
            zu viele mails|e_mails|nachrichten
            hören sie auf $
            lassen sie das
        """,
    },
}
