"""How people say that they are away and when they are back, per language: kind → phrases.

Kinds: back (a return), not_back (no return before), until and after (before a date), until_after (behind a date),
since (before the first day away), away, no_mail (mail is not read), elsewhere (an address to ask instead), robot (calls
itself automatic), thanks.
"""

from __future__ import annotations

ABSENCE_WEST = {
    "en": {
        "back": """
            back
            return|returns|returning|returned
            reopen*|resume*|rejoin*|restart*
            in|at [the|my] office|desk|work again
            in again
            available|reachable|online|here|around|operational again
            again available|reachable
            at work again
            be|am|ill_be in|at [the] office|work
            be|am available|reachable|reading from|as_of|after
            will|can respond|reply|answer|read
            respond|reply|answer ... on|from|after
            get back to you
            first day back
            next|first working|business|office|work day
            open again
        """,
        "not_back": """
            not ... until|till|before
            wont|cannot|cant|dont|isnt|arent|shant ... until|till|before
        """,
        "until": "until|till|til|thru|through|up_to|up_until|untill|to",
        "after": "after|following",
        "since": "from|since|starting|as_of|beginning|effective|commencing",
        "away": """
            away|ooo|vacation*|holiday*|sabbatical|unavailable|absent|absence|pto|parental|maternity
            paternity
            out [of|from] [the|my|our] office
            out of office|town|the_country
            off work|sick|duty
            on|annual|sick|medical|family|study|parental|maternity|paternity leave
            on a business|work trip
            on a trip|ship|course|break|training
            time|day|days|week|weeks off
            off [until|from|till]
            short break
            travelling|traveling
            not in|available|reachable|working
            i m|am out
            be out
            works|office|offices|factory|company close|closes|closed
            we are closed
            closed
            no longer available until
        """,
        "no_mail": """
            limited|no|intermittent|restricted|little|sporadic access|internet|connection|connectivity
            without access|internet|connection|connectivity
            not|wont|cannot|cant|dont|rarely|infrequently ... check*|read*|monitor*|see ... mail|mails|email
            not|wont|cannot|cant|dont|rarely|infrequently ... check*|read*|monitor*|see ... emails|e_mail
            not|wont|cannot|cant|dont|rarely|infrequently ... check*|read*|monitor*|see ... e_mails|messages
            not|wont|cannot|cant|dont|rarely|infrequently ... check*|read*|monitor*|see ... inbox
            not reading [my] mail|mails|email|emails|e_mail|messages
            replies|responses|reply may|will|might be delayed|slow*
            delay in|with response|responding|reply*
            respond|reply|answer ... return|back
        """,
        "elsewhere": """
            urgent|urgently|emergency|emergencies|immediate|in_my_absence|while_im_away|assistance
            please contact|call|email|reach
        """,
        "robot": """
            automated|automatic|automatically|auto [generated|generate] [e] mail|note|reply|response|message
            automated|automatic|automatically|auto [generated|generate] [e] notice|answer|email|notification
            auto reply|response|responder
            autoreply|autoresponse|autoresponder
            this is an automated
            sent|generated automatically
        """,
        "thanks": """
            thank_you|thanks for|so_much_for your|the|reaching [e] mail|email|message|note|out|us|me
            thank_you|thanks for|so_much_for contacting|writing [e] mail|email|message|note|out|us|me
        """,
    },
    "de": {
        "back": """
            zurück|wieder
            erreichbar|verfügbar|anwesend ab
            ab|am|vom ... erreichbar|verfügbar|anwesend|da
            rückkehr|zurückkehre|kehre|retour
            öffnen|geöffnet
            melde mich
            arbeite ab
            beantworte|bearbeite ... ab|am|nach
        """,
        "not_back": """
            erst|nicht_vor|frühestens
            erst ab|am|wieder
        """,
        "until": "bis|bis_zum|bis_einschließlich|bis_inklusive|bis_inkl|bis_und_mit|bis_zu",
        "until_after": "einschließlich|einschl|inkl|inklusive",
        "after": "nach|nach_dem",
        "since": "ab|vom|von|seit|ab_dem|seit_dem",
        "away": """
            abwesend|abwesenheit*|urlaub*|elternzeit|mutterschutz|krank|krankgeschrieben|dienstreise
            geschäftsreise|auszeit|unterwegs|verreist|betriebsferien|ferien|betriebsurlaub|fortbildung
            sabbatical|feiertag*|zeitraum
            nicht [im|am|in] [der|dem] büro|haus|firma|dienst|arbeitsplatz|erreichbar|verfügbar|da|anwesend
            außer haus
            außerhaus
            keine|nicht mails|e_mails|nachrichten|mail
            geschlossen
            frei
        """,
        "no_mail": """
            keinen|eingeschränkt*|begrenzt*|sporadisch*|kein zugriff|zugang
            weder|nicht|keine ... gelesen|lese|abgerufen|weitergeleitet|bearbeitet|lesen|abrufen
            mails|e_mails|nachrichten ... nicht|keine ... gelesen|weitergeleitet|bearbeitet
            antwort verzögert|verzögern
        """,
        "elsewhere": "dringend*|notfall|notfällen|vertretung|vertritt|wenden_sie_sich|eilig*",
        "robot": """
            automatische|automatisch|automatisierte|automatisiert [generierte|erzeugte|erstellte|versandte] antwort
            automatische|automatisch|automatisierte|automatisiert [generierte|erzeugte|erstellte|versandte] nachricht
            automatische|automatisch|automatisierte|automatisiert [generierte|erzeugte|erstellte|versandte] mail
            automatische|automatisch|automatisierte|automatisiert [generierte|erzeugte|erstellte|versandte] mitteilung
            automatische|automatisch|automatisierte|automatisiert [generierte|erzeugte|erstellte|versandte] e_mail
            automatische|automatisch|automatisierte|automatisiert [generierte|erzeugte|erstellte|versandte] generiert
            automatische|automatisch|automatisierte|automatisiert [generierte|erzeugte|erstellte|versandte] erstellt
            automatische|automatisch|automatisierte|automatisiert [generierte|erzeugte|erstellte|versandte] versandt
            automatische|automatisch|automatisierte|automatisiert [generierte|erzeugte|erstellte|versandte] erzeugt
            abwesenheitsnotiz|abwesenheitsmeldung|autoantwort
        """,
        "thanks": "dank|danke ... nachricht|mail|e_mail|anfrage",
    },
    "fr": {
        "back": """
            retour|reviens|reviendrai|reprends|reprendrai|reprendrons|reprise|rentre|rentrerai|rouvr*
            réouverture
            à nouveau|partir ... disponible|joignable
            à partir du|de
            de nouveau disponible|joignable|présent
            serai [à_nouveau] présent*|disponible|joignable|là
            vous répondrai
        """,
        "not_back": "pas|ne ... avant",
        "until": "jusquau|jusqu_au|jusqu_à|jusquà|jusqu_en|au",
        "until_after": "inclus|inclu|compris",
        "after": "après|après_le",
        "since": "du|depuis|dès|à_partir_du|à_compter_du",
        "away": """
            absent*|absence|congé|congés|vacances|maternité|maladie|formation|fermé|fermée|ferme|fermés
            fermeture|indisponible
            en déplacement|voyage|mission
            hors|pas|plus [du|au|de] bureau
            pas disponible|joignable|présent*
            ne serai pas|plus
        """,
        "no_mail": """
            accès limité|restreint|réduit
            ne ... pas|plus|aucun|guère ... mails|courrier|messages|messagerie|courriels|e_mails|mail
            sans accès
            accès ... messages|messagerie|mails|courriels ... limité|restreint|réduit
        """,
        "elsewhere": "urgence|urgent*|en_mon_absence|pendant_mon_absence|cas_d_urgence",
        "robot": """
            message|réponse|courriel|mail automatique|automatisé|automatisée
            répondeur automatique
        """,
        "thanks": "merci|remercie ... message|mail|courriel|e_mail",
    },
    "es": {
        "back": """
            vuelvo|volveré|volvere|volveremos|regreso|regresaré|regresaremos|retorno|retornaré|reincorpor*
            incorpor*|vuelta|reabr*|reabrimos|retomaré|retomo
            de nuevo|vuelta disponible|operativo|en_la_oficina
            nuevamente disponible
            estaré disponible|operativo|de_vuelta|de_regreso
            disponible|responderé|contestaré a partir
            a partir del|de
        """,
        "not_back": "no ... hasta|antes",
        "until": "hasta|hasta_el|al",
        "until_after": "inclusive|incluido|ambos_inclusive",
        "after": "después_del|después|tras|después_de",
        "since": "desde|del|a_partir_del",
        "away": """
            ausente|ausencia|vacaciones|baja|permiso|cerrado|cerrada|cerramos|festivo
            fuera de [la|mi] oficina|despacho|país|lugar
            fuera
            de viaje|vacaciones|baja|permiso
            no estaré|estoy|estaremos
            no disponible
        """,
        "no_mail": """
            acceso limitado|restringido|reducido
            sin|no ... acceso|leer*|revis* ... correo|mail|email|mensajes|internet
            no ... correo|correos|mensajes|emails
        """,
        "elsewhere": "urgente|urgencia*|emergencia|durante_mi_ausencia|en_mi_ausencia",
        "robot": """
            respuesta|mensaje|correo|email automático|automática|automatizado|automatizada
            contestador automático
            autorespuesta
        """,
        "thanks": "gracias por|por_su|por_tu mensaje|correo|email|escribir*|contactar*|su|tu",
    },
    "it": {
        "back": """
            torno|tornerò|tornero|torniamo|torneremo|ritorno|ritornerò|rientro|rientrerò|rientrero
            rientreremo|riprendo|riprenderò|riapr*|riapertura
            di nuovo|nuovamente disponibile|in_ufficio|in_sede|operativo|reperibile
            sarò|saro disponibile|di_nuovo|nuovamente|in_ufficio|in_sede
            risponderò
            a partire dal|da
        """,
        "not_back": "non ... prima|fino",
        "until": "fino_al|fino_a|sino_al|al|fino",
        "until_after": "compreso|incluso|compresi|inclusi",
        "after": "dopo_il|dopo",
        "since": "dal|da|a_partire_dal|a_decorrere_dal",
        "away": """
            assente|assenza|ferie|vacanza|vacanze|maternità|malattia|permesso|trasferta|chiuso|chiusa|chiusi
            chiusura|congedo
            fuori ufficio|sede|servizio|stanza
            non ... ufficio|disponibile|raggiungibile|sede|reperibile
            in viaggio
        """,
        "no_mail": """
            accesso limitato|saltuario
            non|senza ... accesso|legg*|controll*|posta|mail|email|messaggi
        """,
        "elsewhere": "urgent*|urgenza|urgenze|in_mia_assenza|emergenza",
        "robot": """
            risposta|messaggio|mail|email automatica|automatico|generato_automaticamente
            risponditore automatico
        """,
        "thanks": "grazie per|del|della|per_il|per_la messaggio|mail|email|tuo|suo",
    },
    "pt": {
        "back": """
            volto|voltarei|voltaremos|regresso|regressarei|retorno|retornarei|retornaremos|retomo|retomarei
            volta|reabr*|reabrimos
            de volta
            novamente|novo disponível|contactável
            estarei disponível|de_volta|de_regresso|no_escritório
            responderei
            a partir de|do|da
        """,
        "not_back": "não|nao ... até|antes",
        "until": "até|ate|até_ao|até_o|até_dia|até_ao_dia|até_o_dia",
        "until_after": "inclusive",
        "after": "após|depois_de|depois_do|apos",
        "since": "desde|de|do|a_partir_de",
        "away": """
            ausente|ausência|férias|ferias|licença|baixa|folga|fechado|fechada|fechados|encerrado|encerrados
            fora do|de escritório|serviço|país|expediente
            fora
            de|em viagem
            não|nao estarei|estou|disponível
        """,
        "no_mail": """
            acesso limitado|restrito|reduzido
            sem|não|nao ... acesso|ler|lerei|consult* ... mail|email|emails|e_mail|e_mails|correio|mensagens
            sem|não|nao ... acesso|ler|lerei|consult* ... internet
        """,
        "elsewhere": "urgente|urgentes|urgência|emergência|na_minha_ausência",
        "robot": """
            resposta|mensagem|mail|e_mail automática|automático|automatizada
            mensagem gerada
        """,
        "thanks": "obrigado|obrigada|agradeço ... mensagem|mail|email|e_mail|contacto|contato",
    },
    "nl": {
        "back": """
            terug|weer|wederom|terugkom|hervat*|retour|heropen*
            bereikbaar|aanwezig vanaf
            vanaf ... bereikbaar|aanwezig|beschikbaar|terug
        """,
        "not_back": "pas|niet_voor|niet ... eerder",
        "until": "tot|tm|t_m|tot_en_met|tot_aan|t_e_m|tem",
        "after": "na",
        "since": "vanaf|van|sinds|per",
        "away": """
            afwezig|afwezigheid|vakantie|verlof|vrij|zwangerschapsverlof|ziek|zakenreis|gesloten|cursus
            ouderschapsverlof
            niet op|aanwezig|bereikbaar|beschikbaar|in
            buiten|uit kantoor
        """,
        "no_mail": """
            beperkt|geen|beperkte toegang
            niet|geen ... mail|mails|e_mail|e_mails|berichten|mailbox
        """,
        "elsewhere": "dringend*|spoed|spoedgevallen|urgent*|tijdens_mijn_afwezigheid|noodgeval*",
        "robot": """
            automatisch|automatische|geautomatiseerd [gegenereerd|verzonden] antwoord|bericht|mail|e_mail
            automatisch gegenereerd|verzonden
        """,
        "thanks": "dank|bedankt ... bericht|mail|e_mail",
    },
    "sv": {
        "back": """
            åter|tillbaka|återkommer|återvänder|åter_på|återgår
            nås|nåbar|anträffbar från|igen
            på jobbet|plats|kontoret igen
            svarar ... efter|från|när
            öppnar|öppet igen
        """,
        "not_back": "inte|ej|först ... förrän|före|först",
        "until": "till|tom|t_o_m|till_och_med|fram_till|fram_till_och_med|tills",
        "after": "efter",
        "since": "från|fr_o_m|from|från_och_med|sedan",
        "away": """
            frånvarande|frånvaro|semester|ledig|ledighet|föräldraledig|tjänstledig|sjukskriven|bortrest
            tjänsteresa|stängt|konferens|resa
            inte|ej på|i kontoret|tjänst|plats|jobbet|anträffbar
            inte anträffbar|tillgänglig|nåbar
            har|är ledigt|borta
        """,
        "no_mail": """
            begränsad|ingen|inte|begränsat|dålig tillgång
            inte|ej ... läser|läs|mejl|mail|mejlen|mailen|meddelanden|epost
        """,
        "elsewhere": "brådskande|akut|akuta|bråttom|under_min_frånvaro",
        "robot": """
            automatiskt|automatiskt_genererat|automatisk svar|meddelande|mejl|mail
            autosvar
        """,
        "thanks": "tack för [ditt|din|att] meddelande|mejl|mail|mejlet|e_post|mailet",
    },
    "da nb": {
        "back": """
            tilbage|tilbake|retur|atter|igen|igjen|vender|åpner|åbner
            på kontoret|arbejde|jobb|plads|plass igen|igjen|fra
            træffes|kontaktes|nås fra|igen|igjen
            svarer ... når|efter|etter|fra
        """,
        "not_back": "ikke|først ... før|først",
        "until": "til|til_og_med|tom|t_o_m|frem_til|fram_til|indtil|inntil|frem_til_og_med",
        "after": "efter|etter",
        "since": "fra|fra_og_med|siden|f_o_m",
        "away": """
            fraværende|fravær|ferie|ferien|sommerferie|fri|permisjon|orlov|barsel|barselsorlov|sykemeldt
            sygemeldt|bortreist|tjenestereise|forretningsrejse|lukket|stengt|avspasering|rejse|reise
            ikke på|til|i kontoret|arbejde|jobb|stede|plads
            ikke tilgængelig|tilgjengelig
            holder fri|lukket|ferie|stengt
        """,
        "no_mail": """
            begrænset|begrenset|ingen|ikke adgang|tilgang
            ikke ... læser|leser|mail|mails|e_mail|e_mails|e_post|epost|beskeder|meldinger
        """,
        "elsewhere": "haster|hastende|presserende|akut|under_mit_fravær|i_mitt_fravær",
        "robot": """
            automatisk|automatiske|automatisk_generert|automatisk_genereret svar|besked|melding|mail
            autosvar
        """,
        "thanks": "tak|takk for [din|dit|ditt] mail|besked|henvendelse|melding|e_post",
    },
}
