"""The same as opt_out_words for French, Spanish, Italian, Portuguese and Dutch."""

from __future__ import annotations

OPT_OUT_ROMANCE = {
    "fr": {
        "Me": """
            me|moi|nous|mon_adresse|mon_mail|mon_email|mon_e_mail|cette_adresse|mes_données|mes_coordonnées
            mon_nom|notre_adresse|mon_contact|mes_donnees|nos_coordonnées|nos_données|mes_informations
            mes_données_personnelles
        """,
        "List": """
            liste|listes|fichier|fichiers|base|bases|mailing|diffusion|newsletter|contacts|envois|données
            mailings|registres|liste_de_diffusion|système|campagne|campagnes|annuaire
        """,
        "Mail": """
            mail|mails|email|emails|e_mail|e_mails|courriel|courriels|message|messages|publicité|publicités
            sollicitations|sollicitation|newsletter|communications|offres|pub|prospection|courrier
            démarchage|spam|spams
        """,
        "remove": """
            stop aux|à|au|les|vos|avec {Mail}
            retirez|retirer|retire|supprimez|supprimer|supprime|enlevez ... {Me} ... de|du|des ... {List}
            enlever|enlève|effacez|effacer|rayez|rayer|ôtez|sortez|sortir ... {Me} ... de|du|des ... {List}
            radiez|radier|éliminez|exclure ... {Me} ... de|du|des ... {List}
            {Me} retirer|supprimer|enlever|effacer|rayer|radier|sortir ... de|du|des ... {List}
            supprimez|supprimer|effacez|effacer|retirez|retirer|enlevez [de] {Me}
            désinscrire|désinscrivez|désabonner|désabonnez|désinscris|désabonne [moi|nous|me|mon_adresse]
            me|nous désinscrire|désabonner|désinscrive|désabonne
            être désinscrit*|désabonné*|retiré*|supprimé*|radié*|effacé* [de|du|des]
            cessez|cesser|arrêtez|arrêter|arrête|stoppez|stopper ... envoyer|écrire|envoi|envois|contacter
            cessez|cesser|arrêtez|arrêter|arrête|stoppez|stopper ... solliciter|spammer|démarcher|importuner
            cessez|cesser|arrêtez|arrêter|arrête|stoppez|stopper ... harceler|mails|messages|emails
            cessez|cesser|arrêtez|arrêter|arrête|stoppez|stopper ... sollicitations|relances|relancer
            oppose|opposition ... traitement|utilisation|données|prospection
            droit ... opposition|effacement|suppression|oubli
            retire|révoque mon|notre consentement
            laissez moi|nous [tranquille|tranquilles]
        """,
        "refuse": """
            ne [me|nous] ... envoyez|envoyer|écrivez|écrire|contactez|contacter|sollicitez [moi|nous] plus
            ne [me|nous] ... solliciter|adressez|relancez|relancer|démarchez|dérangez [moi|nous] plus
            ne [me|nous] ... m_écrivez|envoie|écris|contacte [moi|nous] plus
            ne plus [me|nous|m] envoyer|écrire|contacter|recevoir|solliciter|démarcher|relancer ... [mail]
            ne plus [me|nous|m] adresser|être ... [mail]
            ne souhaite|souhaitons|veux|voulons|désire plus ... recevoir|être|mails|messages|emails
            ne souhaite|souhaitons|veux|voulons|désire pas ... recevoir|être|avoir ... {Mail}
            ne souhaite|souhaitons|veux|voulons|désire pas être contact*|sollicit*|démarch*
            ne désirons plus ... recevoir|être|mails|messages|emails
            ne désirons pas ... recevoir|être|avoir ... {Mail}
            ne désirons pas être contact*|sollicit*|démarch*
            ne souhaite|souhaitons|veux|voulons plus ... vos|votre|de
            ne pas recevoir ... {Mail}
            ne pas|plus être contacté*|sollicité*|démarché*
            plus [aucun|de] {Mail} ... [de_votre_part|svp]
            aucun|aucune autre {Mail}
        """,
        "whole": """
            désabonnement|désinscription|désabonner|désinscrire|me_désabonner|me_désinscrire|désabonnez_moi
            désinscrivez_moi|plus_de_mails|plus_de_mail|plus_d_emails|retirez_moi|supprimez_moi
            se_désabonner|se_désinscrire|désabonnement_svp|désinscription_svp|plus_de_pub
        """,
        "alone": "stop|arrêt|arrêtez|fin|stoppez|assez|désinscrit",
        "possible": """
            où|comment ... avez|avez_vous|as_tu ... mon|mes|nos|notre|adresse|coordonnées|mail
            encore un|une mail|message|email|courriel
            pourquoi ... je|reçois|recevons|contactez|suis|écrivez ... liste|mail|mails|message|messages
            pourquoi ... je|reçois|recevons|contactez|suis|écrivez ... vous|ces|ce
            jamais|pas|aucun|rien ... demandé|inscrit|inscrite|abonné|accord|consentement|donné|sollicité
            jamais|pas|aucun|rien ... consenti
            sans mon|notre consentement|accord|autorisation
            non sollicité*
            spam|spams|pourriel|harcèlement
            rgpd|cnil|avocat
            comment ... désabonner|désinscrire
            trop de mails|messages
        """,
    },
    "es": {
        "Me": """
            me|nos|mi_correo|mi_email|mi_dirección|este_correo|esta_dirección|mis_datos|nuestros_datos
            mi_cuenta|mi_mail|mi_nombre|nuestro_correo|este_email|mi_correo_electrónico|esta_cuenta
            este_mail|esta_direccion
        """,
        "List": """
            lista|listas|base|bases|distribución|boletín|boletines|envíos|mailing|datos|ficheros|fichero
            contactos|newsletter|correo|suscripción|registros|sistema
        """,
        "Mail": """
            correo|correos|mail|mails|email|emails|mensaje|mensajes|publicidad|comunicaciones|información
            newsletter|spam|propaganda|ofertas|promociones|correos_electrónicos|boletines|comunicación
            e_mails
        """,
        "remove": """
            elimin*|borr*|quit*|saqu*|sácame|sacame|retir*|exclu*|suprim*|remuev* ... lista|listas|base
            elimin*|borr*|quit*|saqu*|sácame|sacame|retir*|exclu*|suprim*|remuev* ... datos|distribución
            elimin*|borr*|quit*|saqu*|sácame|sacame|retir*|exclu*|suprim*|remuev* ... boletín|envíos|mailing
            elimin*|borr*|quit*|saqu*|sácame|sacame|retir*|exclu*|suprim*|remuev* ... fichero|ficheros
            elimin*|borr*|quit*|saqu*|sácame|sacame|retir*|exclu*|suprim*|remuev* ... contactos
            elimínenme|elimíneme|elimíname|bórrenme|bórreme|bórrame|quítenme|quíteme|quítame|sáquenme
            sáqueme|borradme|eliminadme|quitadme
            eliminen|elimine|borren|borre|quiten|quite|elimina|borra|quita|supriman|suprima {Me}
            den|dé|denme|déme|dame|deme|dar|darme|darnos|darse|dennos|dé|da|de ... de baja
            quiero|deseo|solicito|queremos|ruego|pido ... baja|eliminación|supresión|cancelar
            cancelar|cancele|cancelen|anular|anule ... suscripción|envío|envíos
            desuscrib*|desuscrí*|dessuscrib*|desapunt*|desinscrib*
            dejen|deje|deja|dejad|paren|pare|para|cesen ... de enviar*|mandar*|escribir*|contactar*
            dejen|deje|deja|dejad|paren|pare|para|cesen ... de molestar*
            opongo|oposición ... tratamiento|uso|datos
            derecho ... supresión|oposición|olvido|cancelación
            retiro|revoco mi|nuestro consentimiento
            déjenme|déjeme|dejadme|déjame en|tranquil*
        """,
        "refuse": """
            no [me|nos] ... envíe|envíen ... más|mas|nada|nunca|publicidad|correos|mails|emails|mensajes
            no [me|nos] ... envie|envien ... más|mas|nada|nunca|publicidad|correos|mails|emails|mensajes
            no [me|nos] ... envíes|mande ... más|mas|nada|nunca|publicidad|correos|mails|emails|mensajes
            no [me|nos] ... manden|mandes ... más|mas|nada|nunca|publicidad|correos|mails|emails|mensajes
            no [me|nos] ... escriba|escriban ... más|mas|nada|nunca|publicidad|correos|mails|emails|mensajes
            no [me|nos] ... escribas ... más|mas|nada|nunca|publicidad|correos|mails|emails|mensajes
            no [me|nos] ... contacte ... más|mas|nada|nunca|publicidad|correos|mails|emails|mensajes
            no [me|nos] ... contacten ... más|mas|nada|nunca|publicidad|correos|mails|emails|mensajes
            no [me|nos] ... contactes ... más|mas|nada|nunca|publicidad|correos|mails|emails|mensajes
            no [me|nos] ... moleste|molesten ... más|mas|nada|nunca|publicidad|correos|mails|emails|mensajes
            no [me|nos] ... enviéis|mandéis ... más|mas|nada|nunca|publicidad|correos|mails|emails|mensajes
            no quiero|deseo|queremos|deseamos|quisiera|me_interesa ... recibir ... más|mas|nada|ninguna
            no quiero|deseo|queremos|deseamos|quisiera|me_interesa ... recibir|recibiendo ... {Mail}
            no quiero|deseo|queremos|deseamos más|mas|sus {Mail}
            no deseo|quiero|queremos|deseamos ser|que_me ... contactad*|contacten|escriban|envíen
            no me escriba|escriban|contacten|contacte|contactes|escribas|contactéis|escribáis $
            no más|mas|enviar_más|mandar_más|recibir_más {Mail}
            no volver|vuelva|vuelvan|vuelvas a enviar*|escribir*|contactar*|mandar*
            ningún otro correo
        """,
        "whole": """
            baja|darme_de_baja|dar_de_baja|darse_de_baja|cancelar_suscripción|no_más_correos|no_mas_correos
            no_más_emails|de_baja|desuscribir|desuscribirme|eliminar|solicito_baja|quiero_darme_de_baja
            no_enviar_más
        """,
        "alone": "stop|basta|eliminar|alto|cancelar|pare|paren",
        "possible": """
            de_dónde|cómo|quién|dónde ... sac*|tien*|consigu*|obtuv* ... mi|mis|correo|datos|contacto|email
            de_dónde|cómo|quién|dónde ... obten*|dio|han_obtenido ... mi|mis|correo|datos|contacto|email
            otra vez|otro correo|mail|mensaje|un_correo ... ustedes|suyo
            por_qué|porqué ... recibo|recibimos|lista|escriben|correos|envían|mandan
            nunca|no ... he|hemos|me ... solicitado|pedido|suscrit*|autorizado|apuntado|registrado|inscrito
            nunca|no ... he|hemos|me ... consentimiento|suscribí
            sin mi|nuestro consentimiento|permiso|autorización
            no solicitado*
            spam|correo_basura
            rgpd|lopd|abogado|protección_de_datos|habeas_data
            cómo ... darme_de_baja|desuscribirme
            demasiados correos
        """,
    },
    "it": {
        "Mail": """
            mail|mails|email|e_mail|messaggi|messaggio|comunicazioni|comunicazione|pubblicità|newsletter
            posta|offerte|spam|promozioni|proposte
        """,
        "remove": """
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... lista|liste
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... elenco
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... elenchi
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... database
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... mailing
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... newsletter
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... indirizzario
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... banca_dati
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... archivi
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... archivio
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... contatti
            cancell*|rimuov*|toglie*|togli|tolga|toglimi|toglietemi|elimin*|depenn*|esclud* ... sistema
            cancellatemi|cancellami|rimuovetemi|rimuovimi|toglietemi|toglimi|eliminatemi|eliminami
            mi_cancelli|mi_rimuova|mi_tolga|disiscrivetemi|disiscrivimi|mi_cancellate|mi_tolga
            cancell*|rimuov*|elimin* il|i|questo [mio|miei|nostro|nostri] indirizzo|dati|email|mail
            cancell*|rimuov*|elimin* il|i|questo [mio|miei|nostro|nostri] nominativo|contatto|nome|contatti
            voglio|desidero|vorrei|chiedo|vogliamo|chiediamo ... cancella*|rimoss*|disiscri*|tolto|tolta
            voglio|desidero|vorrei|chiedo|vogliamo|chiediamo ... rimozione|eliminat*
            disiscri*|disdett*|annulla* [la] [iscrizione|mia_iscrizione|newsletter|dalla|da]
            smett*|basta|cessat*|smettetela|finit* ... invia*|scriver*|manda*|contatta*|mail|email|messaggi
            smett*|basta|cessat*|smettetela|finit* ... spam|di|con
            mi oppongo
            diritto ... cancellazione|opposizione|oblio
            revoco|ritiro il consenso
            lasciatemi|lasciami|mi_lasci in pace
        """,
        "refuse": """
            non [mi|ci] ... invia*|manda*|scriv*|contatta*|disturb*|spedi* più|piu|altre|altro|nulla|nessuna
            non [mi|ci] ... inviatemi|mandatemi|scrivetemi|contattatemi più|piu|altre|altro|nulla|nessuna
            non [mi|ci] ... contattarmi|inviarmi|scrivermi|mandarmi più|piu|altre|altro|nulla|nessuna
            non [mi|ci] scriv*|contatta*|disturb* $
            non desidero|voglio|vogliamo|desideriamo|vorrei|intendo ... ricever* ... più|piu|altro|altre|nulla
            non desidero|voglio|vogliamo|desideriamo|vorrei|intendo ... ricever*|avere ... {Mail}
            non desidero|voglio|vogliamo|desideriamo|vorrei|intendo essere ... contattat*|disturbat*
            non desidero|voglio|vogliamo|desideriamo più|piu ... {Mail}
            nessun|nessuna altra|ulteriore {Mail}
            niente|non più|piu|altre {Mail}
            basta {Mail}
        """,
        "whole": """
            cancellami|cancellatemi|disiscrivimi|disiscrizione|cancellazione|rimuovetemi|rimuovimi
            cancella_iscrizione|annulla_iscrizione|disiscrivetemi|basta_mail|basta_email|disiscrivermi
            cancellarmi|rimozione
        """,
        "alone": "stop|basta|fine|cancella|rimuovi|smettetela|rimuovere|cancellare",
        "possible": """
            dove|come|chi ... avete|ha|hai ... mio|miei|indirizzo|contatto|dati|mail|nostro
            ancora|unaltra|un_altra|altra mail|email|messaggio|vostra|sua
            perché|perche|come_mai ... ricevo|riceviamo|scrivete|lista|email|mail
            non|mai ... richiesto|iscritto|iscritta|chiesto|autorizzato|consenso|acconsentito
            senza [il] mio|nostro consenso
            non richiest*|indesiderat*
            spam
            gdpr|garante|avvocato|privacy
            come ... cancellarmi|disiscrivermi
        """,
    },
    "pt": {
        "Mail": """
            mail|mails|email|emails|e_mail|e_mails|mensagem|mensagens|publicidade|comunicações|newsletter
            correio|spam|propaganda|propagandas|contactos|contatos|ofertas|comunicação|promoções
        """,
        "remove": """
            remov*|retir*|exclu*|elimin*|apag*|tir* ... lista|listas|base|mailing|cadastro|newsletter
            remov*|retir*|exclu*|elimin*|apag*|tir* ... contactos|contatos|banco_de_dados|sistema|ficheiro
            remov*|retir*|exclu*|elimin*|apag*|tir* ... distribuição
            remov*|retir*|exclu*|elimin*|apag*|tir* me [da|de|daqui|dessa]
            me remov*|retir*|exclu*|tir* [da|de|daqui|dessa]
            remov*|retir*|exclu*|elimin*|apag* [o|os] meu|meus|nosso|nossos|este|esse email|e_mail|contacto
            remov*|retir*|exclu*|elimin*|apag* [o|os] meu|meus|nosso|nossos|este|esse contato|endereço|dados
            remov*|retir*|exclu*|elimin*|apag* [o|os] meu|meus|nosso|nossos|este|esse nome|mail
            quero|desejo|gostaria|solicito|peço|queremos ... descadastr*|removid*|cancelar|sair|remoção
            quero|desejo|gostaria|solicito|peço|queremos ... excluíd*|exclusão|retirad*
            cancel* ... inscrição|subscrição|assinatura|newsletter|cadastro|envio
            descadastr*|desinscrev*|dessubscrev*
            pare|parem|para|deixe|deixem|cesse|cessem ... de|com enviar|mandar|escrever|contactar|contatar
            pare|parem|para|deixe|deixem|cesse|cessem ... de|com me|incomodar|os|estes|esses|e_mails|emails
            pare|parem|para|deixe|deixem|cesse|cessem ... de|com spam
            oponho me
            direito ... apagamento|esquecimento|oposição|eliminação
            retiro|revogo ... consentimento
            deixe|deixem me em paz
        """,
        "refuse": """
            não|nao [me|nos] ... envie|enviem|mande ... mais|nada|nunca|email|emails|e_mails|mensagens
            não|nao [me|nos] ... mandem|escreva|escrevam ... mais|nada|nunca|email|emails|e_mails|mensagens
            não|nao [me|nos] ... contacte|contactem ... mais|nada|nunca|email|emails|e_mails|mensagens
            não|nao [me|nos] ... contate|contatem|enviar ... mais|nada|nunca|email|emails|e_mails|mensagens
            não|nao [me|nos] ... mandar|incomode ... mais|nada|nunca|email|emails|e_mails|mensagens
            não|nao [me|nos] ... incomodem ... mais|nada|nunca|email|emails|e_mails|mensagens
            não|nao [me|nos] escreva|escrevam|contacte|contactem|contate|contatem|perturbe [me|nos] $
            não|nao [me|nos] perturbem [me|nos] $
            não|nao quero|desejo|queremos|desejamos ... receber ... mais|nada
            não|nao quero|desejo|queremos|desejamos ... receber|recebendo ... {Mail}
            não|nao quero|desejo|queremos|desejamos ... ser contactad*|contatad*
            não|nao pretendo|pretendemos|gostaria ... receber ... mais|nada
            não|nao pretendo|pretendemos|gostaria ... receber|recebendo ... {Mail}
            não|nao pretendo|pretendemos|gostaria ... ser contactad*|contatad*
            não|nao quero|desejo|queremos|desejamos|pretendo mais {Mail}
            nem mais um|uma {Mail}
            sem|chega_de|não|nao mais|de {Mail}
        """,
        "whole": """
            descadastrar|descadastre|remover|cancelar_inscrição|cancelar_subscrição|me_remova|me_descadastre
            sair_da_lista|descadastramento|remover_da_lista|remova_me|cancelar_assinatura|me_tire_da_lista
            descadastre_me|sair_lista
        """,
        "alone": "stop|pare|parar|remover|sair|chega|basta|cancelar|remova|excluir",
        "possible": """
            onde|como|quem ... obtiv*|consegu*|arranj* ... meu|meus|email|e_mail|contacto|contato|dados
            onde|como|quem ... pegou|pegaram|tem|têm|deu ... meu|meus|email|e_mail|contacto|contato|dados
            onde|como|quem ... encontr* ... meu|meus|email|e_mail|contacto|contato|dados
            mais um|uma|outra_vez|de_novo email|e_mail|mensagem
            por_que|porque|porquê ... recebo|estou|recebemos|lista|recebendo|contactam
            não|nunca|nao ... pedi|solicitei|inscrevi|autorizei|autorizou|subscrevi|cadastrei|consenti|dei
            sem o|a meu|minha|nosso consentimento|autorização
            não|nao solicitad*
            spam
            rgpd|lgpd|advogado|cnpd
            como ... descadastr*|cancelar
        """,
    },
    "nl": {
        "Me": """
            me|mij|ons|mijn_adres|mijn_e_mail|mijn_e_mailadres|mijn_mailadres|dit_adres|mijn_gegevens
            onze_gegevens|ons_adres|mijn_email|dit_e_mailadres|mijn_emailadres|mijn_naam
        """,
        "List": """
            lijst|lijsten|maillijst|mailinglijst|mailinglist|verzendlijst|bestand|bestanden|database
            nieuwsbrief|adressenbestand|distributielijst|systeem|mailing|mailings|adressenlijst|contactlijst
        """,
        "Mail": """
            mail|mails|e_mail|e_mails|email|emails|bericht|berichten|reclame|nieuwsbrief|nieuwsbrieven|post
            contact|spam|mailtjes|mailings|aanbiedingen
        """,
        "remove": """
            haal|haalt|halen|verwijder|verwijderen ... {Me} ... af|uit|van|van_af|vanaf ... {List}
            verwijdert|schrap|schrappen|wis|schrijf ... {Me} ... af|uit|van|van_af|vanaf ... {List}
            schrijven|meld|neem|gooi ... {Me} ... af|uit|van|van_af|vanaf ... {List}
            haal|haalt|schrijf|meld|schrijft ... {Me} ... af|uit|eruit|eraf
            verwijder|verwijderen|wis|verwijdert {Me}
            {Me} ... verwijderen|uitschrijven|afmelden|wissen|schrappen|halen|uit_te_schrijven
            {Me} ... te_verwijderen|af_te_melden
            wil|willen|wens|wenst|verzoek ... uitschrijven|afmelden|uitgeschreven|verwijderd|afgemeld
            stop|stoppen ... met|mailen|sturen|mailtjes|mails|e_mails|deze|het ... mailen|mail|mails|e_mail
            stop|stoppen ... met|mailen|sturen|mailtjes|mails|e_mails|deze|het ... e_mails|sturen|schrijven
            stop|stoppen ... met|mailen|sturen|mailtjes|mails|e_mails|deze|het ... benaderen|berichten|spam
            stop|stoppen ... met|mailen|sturen|mailtjes|mails|e_mails|deze|het ... spammen|lastigvallen
            verwijder|verwijderen|verwijdert uit|van ... {List}
            maak bezwaar
            bezwaar tegen
            recht ... vergetelheid|verwijdering|gegevenswissing
            trek ... toestemming ... in
            laat mij|me|ons met_rust
        """,
        "refuse": """
            geen|niet meer|verdere {Mail} [meer]
            geen {Mail} meer
            stuur|stuurt|mail|schrijf|benader|contacteer ... mij|me|ons ... niet|geen|niets|nooit ... meer
            mailt|bel|sturen|mailen ... mij|me|ons ... niet|geen|niets|nooit ... meer
            niet|niets|nooit meer [te] mailen|sturen|benaderen|schrijven|contacteren|ontvangen|horen
            niet|niets|nooit meer [te] benaderd|gemaild
            wil|wens|willen|wensen|wenst ... geen|niet|niets ... {Mail} ... [meer|ontvangen]
            wil|wens|willen|wensen|hoef|hoeven ... geen|niet|niets|nooit ... meer|benaderd|gemaild|ontvangen
        """,
        "whole": """
            uitschrijven|afmelden|uitschrijving|afmelding|verwijderen|schrijf_me_uit|meld_me_af
            geen_mail_meer|geen_mails_meer|haal_me_eraf|geen_e_mails_meer
        """,
        "alone": "stop|stoppen|ophouden|genoeg|verwijder",
        "possible": """
            hoe|waar|van_wie ... kom|komt|komen|hebben|heeft|heb|kwam ... aan|mijn|adres|gegevens|vandaan
            hoe|waar|van_wie ... kom|komt|komen|hebben|heeft|heb|kwam ... mailadres
            alweer|weer een mail|e_mail|bericht|mailtje
            waarom ... krijg|ontvang|krijgen|sta|mailt|benadert ... mail|mails|lijst|dit|deze|me|mij
            niet|nooit|geen ... gevraagd|aangemeld|ingeschreven|toestemming|opgegeven
            zonder [mijn|onze] toestemming
            ongevraagd*|ongewenst*
            spam
            avg|advocaat|autoriteit_persoonsgegevens
            hoe ... uitschrijven|afmelden
        """,
    },
}
