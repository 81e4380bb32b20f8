"""The same as intent_words for French, Spanish, Italian, Portuguese and Dutch."""

from __future__ import annotations

INTENT_ROMANCE = {
    "fr": {
        "interested": """
            intéress* [par|de]
            volontiers|avec_plaisir
            envoyez|envoyer|transmettre|transmettez|adressez|faire_parvenir|communiquer ... devis|tarif
            envoyez|envoyer|transmettre|transmettez|adressez|faire_parvenir|communiquer ... tarifs|prix
            envoyez|envoyer|transmettre|transmettez|adressez|faire_parvenir|communiquer ... documentation
            envoyez|envoyer|transmettre|transmettez|adressez|faire_parvenir|communiquer ... brochure
            envoyez|envoyer|transmettre|transmettez|adressez|faire_parvenir|communiquer ... informations
            envoyez|envoyer|transmettre|transmettez|adressez|faire_parvenir|communiquer ... détails
            envoyez|envoyer|transmettre|transmettez|adressez|faire_parvenir|communiquer ... catalogue|infos
            envoyez|envoyer|transmettre|transmettez|adressez|faire_parvenir|communiquer ... plaquette
            envoyez|envoyer|transmettre|transmettez|adressez|faire_parvenir|communiquer ... proposition|doc
            combien coûte|ça|cela|coûtent|pour
            quel|quels|quelle|quelles est|sont|seraient|serait ... prix|tarif|tarifs|délai|délais|coût
            quel|quels|quelle|quelles est|sont|seraient|serait ... conditions
            plus|davantage [d|de] informations|infos|détails|renseignements|savoir
            en savoir plus
            rendez_vous|rdv|démo|démonstration|essai|échantillon*|visite
            appelez|rappelez|contactez|téléphonez moi|nous
            parlons|discutons|échanger|échangeons|on_en_parle
            disponible le|lundi|mardi|mercredi|jeudi|vendredi|demain
            quand|pouvez_vous|pourriez_vous ... livrer|venir|appeler|présenter|parler|montrer
            ça|cela m_intéresse|semble|me_parle|convient
            oui
        """,
        "not_interested": """
            pas|plus|aucun|aucune|peu|ni ... intéress*|intérêt|besoin|concerné*|utile|budget|pertinent|suite
            sans intérêt|suite
            non merci
            déjà ... prestataire|fournisseur|solution|équipé*|partenaire|outil|ce_qu_il_faut|pourvu*
            satisfait*|content* de|avec
            ne nous|me correspond|convient|concerne|intéresse
            donner|donnerons|donnerai [pas] suite
            décline|déclinons
            pas pour nous|moi
        """,
        "later": """
            pas|plus ... maintenant|pour_le_moment|pour_l_instant|actuellement|en_ce_moment|cette_année
            pas|plus ... tout_de_suite|encore|le_bon_moment
            pour le moment|linstant|l_instant ... pas|non|rien
            plus tard
            ultérieurement
            recontact*|rappel*|revenez|relanc*|réécrivez|écrivez ... en|dans|après|à|début|fin|plus_tard|le
            recontact*|rappel*|revenez|relanc*|réécrivez|écrivez ... courant|mi|au|vers
            année|semestre|trimestre|mois|semaine prochain*
            pas le temps
            trop tôt
            la rentrée
            en attente|pause|suspens
        """,
        "referral": """
            contact*|adress*|écri*|voir|demand*|joign*|rapproch* ... à|avec|plutôt|collègue|service|auprès
            contact*|adress*|écri*|voir|demand*|joign*|rapproch* ... directement|vous|mon|ma|monsieur|madame
            contact*|adress*|écri*|voir|demand*|joign*|rapproch* ... m
            responsable|en_charge|chargé*|collègue|remplaçant*|successeur|interlocuteur|interlocutrice
            service_achats|bonne_personne|s_occupe|gère|décide|achats
            transmis|transféré|transfère|transmets|copie|cc
            plutôt à|avec|vers
        """,
        "right_person": """
            pas|mauvais|mauvaise|plus ... bonne|bon|la|le|l ... personne|interlocuteur|interlocutrice
            pas|mauvais|mauvaise|plus ... bonne|bon|la|le|l ... service|contact|responsable
            pas en_charge|concerné|décisionnaire|responsable|de_mon_ressort
        """,
    },
    "es": {
        "interested": """
            interes*
            suena|parece|se_ve bien|interesante|genial
            enví*|mánd*|pás*|remít*|hág*|facilít* ... precio|precios|presupuesto|información|catálogo
            enví*|mánd*|pás*|remít*|hág*|facilít* ... tarifas|tarifa|oferta|cotización|detalles|info|muestra
            enví*|mánd*|pás*|remít*|hág*|facilít* ... ficha|propuesta|dossier
            cuánto|cuanto|qué_precio|que_precio cuesta|vale|cuestan|sería|tiene|sale
            precio|precios|tarifas|presupuesto|cotización ... por_favor|por|de|gracias
            más|mas información|info|detalles|datos
            saber más|mas
            agendar|agendamos|concertar|programar|coordinar|cuadrar ... reunión|llamada|cita|demo|visita
            reunión|demo|demostración|prueba|muestra|muestras|llamada
            llám*|llame|hablemos|hablamos|conversemos
            plazo|plazos de entrega
            cuándo|cuando|podrían|pueden|podéis ... entregar|venir|llamar|mostrar|hablar
            sí [claro|por_favor]
            encantado|encantada|con_gusto|adelante
        """,
        "not_interested": """
            no|ningún|sin|ninguna|tampoco ... interes*|necesit*|necesidad|encaja|aplica|requerimos
            no|ningún|sin|ninguna|tampoco ... presupuesto|es_para_nosotros
            no gracias
            ya ... tenemos|tengo|contamos|trabajamos|disponemos|usamos ... [proveedor|solución]
            satisfech*|content* con
            no es para
            descart*|declin*|paso $
        """,
        "later": """
            no|ahora ... ahora|momento|por_ahora|este_año|actualmente|todavía|aún|de_momento|mismo
            por|de|en_este ahora|momento|el_momento ... no|nada
            más|mas tarde|adelante
            contact*|escrib*|llam*|vuelv*|habl*|retom* ... en|después|tras|próxim*|más|a_partir|el|dentro
            contact*|escrib*|llam*|vuelv*|habl*|retom* ... para|de_nuevo|luego
            año|trimestre|mes|semana próxim*|que_viene
            próximo|próxima|siguiente año|trimestre|mes|semestre|semana
            demasiado pronto
            después|pasado [de|del|el|las] verano|vacaciones|fiestas|navidad*
        """,
        "referral": """
            contact*|escrib*|habl*|dirij*|dirig*|consult*|pregunt*|comuní* ... con|a|al|mi|nuestr*
            responsable|encargad*|compañer*|sustitut*|sucesor*|persona_adecuada|persona_indicada|compras
            departamento|colega|lleva|decide
            reenvi*|copio|copia|paso
        """,
        "right_person": """
            no ... soy|la ... persona|responsable|encargad*|indicad*|adecuad*|correct*
            persona equivocada
        """,
    },
    "it": {
        "interested": """
            interess*
            volentieri|con_piacere|certo $
            sembra|suona interessante|bene|ottimo
            mand*|invi*|sped*|far_avere|fatemi_avere|trasmett* ... preventivo|prezzi|prezzo|listino
            mand*|invi*|sped*|far_avere|fatemi_avere|trasmett* ... informazioni|brochure|catalogo|offerta
            mand*|invi*|sped*|far_avere|fatemi_avere|trasmett* ... dettagli|info|scheda|campione
            mand*|invi*|sped*|far_avere|fatemi_avere|trasmett* ... documentazione|materiale|proposta
            quanto costa|costano|viene|costerebbe
            qual|quali|che è|sono|sarebbe ... prezzo|prezzi|costo|costi|tempi|condizioni
            maggiori|ulteriori|più|altre informazioni|info|dettagli
            saperne di_più
            fissare|organizzare|fissiamo|programmare|prenotare ... chiamata|incontro|appuntamento|demo|call
            fissare|organizzare|fissiamo|programmare|prenotare ... visita|riunione
            appuntamento|demo|dimostrazione|prova|campione|listino
            chiam* mi|ci
            mi|ci chiami|chiamate|chiamare|richiami
            sentiamoci|parliamone|risentiamo
            tempi di consegna
            quando|potete|potrebbe ... consegnare|venire|mostrare|chiamare|parlare
            sì|si grazie
        """,
        "not_interested": """
            non|nessun|alcun|poco|senza ... interess*|serv*|bisogno|necess*|fa_per_noi|adatto|budget
            no grazie
            già|gia ... abbiamo|fornitore|soluzione|fornitori|coperti|utilizziamo
            soddisfatt*|content* di|con|del
            declin*|rinunci*
        """,
        "later": """
            non|nulla|niente ... adesso|ora|momento|quest_anno|ancora|attualmente|al_momento
            al|per_il|in_questo momento ... non|no|nulla|niente
            più avanti|tardi
            ricontatt*|riscriv*|risent*|scriv*|richiam* ... a|in|tra|fra|dopo|più|da|il|nel|per|verso
            contatt*|riparl* ... a|in|tra|fra|dopo|più|da|il|nel|per|verso
            anno|trimestre|mese|settimana prossim*
            prossimo|prossima anno|trimestre|mese|settimana|semestre
            dopo le|l vacanze|estate|ferie|feste
            troppo presto
        """,
        "referral": """
            contatt*|scriv*|rivol*|chied*|parl*|senta ... a|al|alla|con|il|la|mio|mia|direttamente|meglio
            sentite ... a|al|alla|con|il|la|mio|mia|direttamente|meglio
            responsabile|referente|collega|sostitut*|successore|persona_giusta|ufficio_acquisti|se_ne_occupa
            si_occupa|decide|acquisti
            inoltr*|in_copia|giro
        """,
        "right_person": """
            non ... sono|persona|referente|giusta|responsabile|competenza
            persona sbagliata
        """,
    },
    "pt": {
        "interested": """
            interess*|interesse
            parece|soa interessante|bem|bom|ótimo
            envi*|mand*|pass* ... preço|preços|orçamento|informações|catálogo|proposta|detalhes|tabela
            envi*|mand*|pass* ... cotação|informação|amostra|brochura|material
            quanto custa|custam|fica|é|sairia
            qual|quais é|são|o|os ... preço|preços|prazo|prazos|custo|valor|valores
            mais|maiores informações|detalhes|informação|infos
            saber mais
            agendar|marcar|agendamos|marcamos ... reunião|chamada|demo|call|conversa|visita|demonstração
            reunião|demo|demonstração|amostra|amostras|orçamento
            ligue|liguem|telefone|chame me|para_mim
            me ligue|liga|chame
            prazo de entrega
            vamos conversar|falar|marcar
            sim [por_favor|claro]
            com prazer
        """,
        "not_interested": """
            não|nao|sem|nenhum|nenhuma ... interess*|interesse|precis*|necess*|aplica|orçamento|é_para_nós
            não|nao|sem|nenhum|nenhuma ... faz_sentido
            não|nao obrigad*
            já|ja ... temos|tenho|trabalhamos|usamos|utilizamos ... [fornecedor|solução|parceiro]
            satisfeit*|content* com
            declin*|recus*|dispens*
        """,
        "later": """
            não|nao|agora ... agora|momento|este_ano|ainda|atualmente|neste_momento|por_enquanto|por_agora
            de|por|neste momento|enquanto|agora ... não|nao|nada
            mais tarde|para_a_frente|adiante
            contact*|contat*|escrev*|ligu*|volt*|fal*|retom* ... em|após|depois|no|na|próxim*|mais|daqui
            contact*|contat*|escrev*|ligu*|volt*|fal*|retom* ... a_partir|dia|para
            próximo|próxima ano|trimestre|mês|semana|semestre
            ano|mês|semana|trimestre que_vem|próxim*
            cedo demais
            depois das|do|de férias|verão|carnaval|natal
        """,
        "referral": """
            contact*|contat*|escrev*|fal*|dirij*|pergunt*|procur* ... com|a|ao|à|o|meu|minha
            responsável|encarregad*|colega|substitut*|sucessor*|pessoa_certa|pessoa_indicada|compras|trata
            cuida|decide|departamento
            encaminh*|reencaminh*|cópia|copiei
        """,
        "right_person": """
            não|nao ... sou|a ... pessoa|responsável|certa|indicada|correta
            pessoa errada
        """,
    },
    "nl": {
        "interested": """
            interesse|geïnteresseerd|interessant|benieuwd
            graag $
            graag ... meer|afspraak|offerte|info|bellen|informatie|kennis|horen|zien|gesprek|prijs|prijzen
            graag ... demo
            stuur|stuurt|zend|mail|mag_ik|kunt_u ... offerte|prijs|prijzen|prijslijst|informatie|info
            stuur|stuurt|zend|mail|mag_ik|kunt_u ... brochure|details|documentatie|voorstel|monster
            wat kost|kosten|zijn_de_kosten|is_de_prijs
            hoeveel kost|kosten
            meer informatie|info|weten|details
            afspraak|demo|proefperiode|demonstratie|kennismaking|offerte
            bel|belt|bellen me|mij|ons
            klinkt|lijkt [me] goed|interessant|prima
            levertijd*|leveren
            wanneer kunt|kunnen|kan
        """,
        "not_interested": """
            geen|niet|nee|zonder ... interesse|geïnteresseerd|behoefte|nodig|interessant|van_toepassing
            geen|niet|nee|zonder ... relevant|budget|passend
            nee bedankt|dank|dankje
            al|reeds ... voorzien|leverancier|partner|oplossing
            tevreden met|over
            niets|niet voor_ons
            zien|zie er|ervan vanaf|af
            bedanken|passen hiervoor
        """,
        "later": """
            niet|geen|nu ... nu|op_dit_moment|momenteel|dit_jaar|nog|even|moment
            op_dit_moment|momenteel|voorlopig|nu niet|geen|even
            later
            neem|mail|schrijf|bel|kom|probeer|benader|vraag ... weer|opnieuw|nog_eens|terug|later|in|na|over
            neem|mail|schrijf|bel|kom|probeer|benader|vraag ... vanaf|begin|volgend*
            volgend|volgende jaar|kwartaal|maand|week
            na de zomer|vakantie|kerst|feestdagen
            te vroeg|druk
        """,
        "referral": """
            contact|neem|vraag|schrijf|mail|benader ... op_met|met|aan|u|mijn|collega|contact|beter|naar
            richt|wend|bel ... op_met|met|aan|u|mijn|collega|contact|beter|naar
            verantwoordelijk*|collega|opvolger|vervanger|juiste_persoon|inkoop|gaat_over|contactpersoon
            beslist|afdeling
            doorgestuurd|doorsturen|cc|stuur_door
        """,
        "right_person": "niet|verkeerde ... juiste|verantwoordelijk*|contactpersoon|persoon|afdeling",
    },
}
