"""How people say that a person has left a company or a role, per language: kind → phrases.

Kinds: left; left_firm, which needs the name of a company behind it; leaves_firm, which also needs a mark of an
automatic answer or a successor.
"""

from __future__ import annotations

DEPARTURE = {
    "en": {
        "leaves_firm": "am|im|be|are leaving",
        "left_firm": "has|have|ive|shes|hes [now|recently|since] left",
        "Firm": """
            company|organisation|organization|firm|business|team|us|employer|employed|here|agency|university
            school|bank
            group|department|corporation|institute|practice
        """,
        "left": """
            no_longer|not_longer|not ... [be|am|is|are] with|at|for|part_of|employed|working|works .. {Firm}
            no_longer|not_longer|not ... [be|am|is|are] work|affiliated|a_member .. {Firm}
            no_longer|not_longer work|works|working|employed|with|at
            no_longer [be] reachable|available|active at|under this|address|mailbox|email
            has|have|had|ive|shes|hes|ill|will [now|recently|sadly|also] left|leave|leaving ... {Firm}
            has|have|had|ive|shes|hes|ill|will [now|recently|sadly|also] departed|quit|resigned ... {Firm}
            has|have|ive [now|recently|since] departed|retired|resigned|moved_on
            has|have|ive [now|recently|since] left $
            has|have|ive [now|recently|since] left and|in|on|as|to|at
            left|leaving|departed|departing the|our|this|my {Firm}
            am|is|are leaving ... {Firm}
            moved on to|from
            retired from|as|at|in|on|and|after
            is|am|are [now] retired
            my|his|her time|tenure|last_day|employment|career ... come_to_an_end|ended|ends|ending|over|was
            my|his|her time|tenure|last_day|employment|career ... is_over|finished
            last day|working_day at|with|was|of|in
            doesnt|does_not|dont|do_not work|works here|at|for|with ... [any_more|anymore|longer]
            left {Firm}
            is not with|at|working|employed ... anymore|any_more|longer
            changed|taken|took|moved|started ... new|different role|roles|position|job|jobs|company
            moved into|to a_new|another|a_different role|position|department|team
            passed away|deceased
            mailbox|account|inbox|address|email ... deactivated|no_longer_monitored|no_longer_in_use
            mailbox|account|inbox|address|email ... no_longer_valid|closed_permanently|been_closed
            mailbox|account|inbox|address|email ... no_longer_active
            parted ways|company
        """,
    },
    "de": {
        "leaves_firm": "verlasse|verlässt",
        "left": """
            unternehmen|firma|haus|gesellschaft|betrieb|team|verein ... verlassen|ausgeschieden|verlässt
            agentur ... verlassen|ausgeschieden|verlässt
            habe|hat|bin|ist ... verlassen|ausgeschieden
            ausgeschieden
            nicht ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... unternehmen
            nicht_länger ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... unternehmen
            nicht ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... firma
            nicht_länger ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... firma
            nicht ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... beschäftigt
            nicht_länger ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... beschäftigt
            nicht ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... tätig
            nicht_länger ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... tätig
            nicht ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... uns
            nicht_länger ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... uns
            nicht ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... haus
            nicht_länger ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... haus
            nicht ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... team
            nicht_länger ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... team
            nicht ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... gmbh
            nicht_länger ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... gmbh
            nicht ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... ag
            nicht_länger ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... ag
            nicht ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... angestellt
            nicht_länger ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... angestellt
            nicht ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... mitarbeiter*
            nicht_länger ... mehr [im|in|für|bei|am|beim|zum|teil|mitarbeiter*|beschäftigt|tätig|unter] ... mitarbeiter*
            nicht mehr bei|für|beim|in_der|erreichbar_unter
            arbeite|arbeitet ... nicht_mehr
            ruhestand|rente|pension|pensioniert
            mein|ihr|sein letzter arbeitstag|tag
            arbeitsverhältnis ... beendet|endet|geendet
            neue|andere aufgabe*|position|stelle|herausforderung*
            postfach|adresse|konto|mailadresse|e_mail_adresse ... nicht_mehr|deaktiviert|stillgelegt
            verstorben
        """,
    },
    "fr": {
        "leaves_firm": "quitte|quitterai",
        "left": """
            quitté [définitivement|récemment] l|la|le ... [entreprise|société|fonctions|poste|groupe|maison]
            quitté [définitivement|récemment] notre ... [entreprise|société|fonctions|poste|groupe|maison]
            quitté [définitivement|récemment] mon|mes ... [entreprise|société|fonctions|poste|groupe|maison]
            quitté [définitivement|récemment] son|ses ... [entreprise|société|fonctions|poste|groupe|maison]
            quitte [définitivement|récemment] l|la|le ... [entreprise|société|fonctions|poste|groupe|maison]
            quitte [définitivement|récemment] notre ... [entreprise|société|fonctions|poste|groupe|maison]
            quitte [définitivement|récemment] mon|mes ... [entreprise|société|fonctions|poste|groupe|maison]
            quitte [définitivement|récemment] son|ses ... [entreprise|société|fonctions|poste|groupe|maison]
            quittée [définitivement|récemment] l|la ... [entreprise|société|fonctions|poste|groupe|maison]
            quittée [définitivement|récemment] le ... [entreprise|société|fonctions|poste|groupe|maison]
            quittée [définitivement|récemment] notre ... [entreprise|société|fonctions|poste|groupe|maison]
            quittée [définitivement|récemment] mon ... [entreprise|société|fonctions|poste|groupe|maison]
            quittée [définitivement|récemment] mes ... [entreprise|société|fonctions|poste|groupe|maison]
            quittée [définitivement|récemment] son ... [entreprise|société|fonctions|poste|groupe|maison]
            quittée [définitivement|récemment] ses ... [entreprise|société|fonctions|poste|groupe|maison]
            quitterai [définitivement|récemment] l|la ... [entreprise|société|fonctions|poste|groupe|maison]
            quitterai [définitivement|récemment] le ... [entreprise|société|fonctions|poste|groupe|maison]
            quitterai [définitivement|récemment] notre ... [entreprise|société|fonctions|poste|groupe|maison]
            quitterai [définitivement|récemment] mon ... [entreprise|société|fonctions|poste|groupe|maison]
            quitterai [définitivement|récemment] mes ... [entreprise|société|fonctions|poste|groupe|maison]
            quitterai [définitivement|récemment] son ... [entreprise|société|fonctions|poste|groupe|maison]
            quitterai [définitivement|récemment] ses ... [entreprise|société|fonctions|poste|groupe|maison]
            ne|n ... plus ... partie|effectifs|travaille|travaillé|membre|salarié*|employé*|entreprise
            ne|n ... plus ... société|poste|collabor*|fonctions
            ne travaille plus
            ne fais|fait plus
            n est|ai|suis plus dans|chez|au|employé*|en_poste|à
            parti|partie en|à [la] retraite
            retraite|retraité|retraitée
            changé|change de poste|fonction|fonctions|entreprise|société
            nouvelles fonctions
            dernier jour
            boîte|adresse|messagerie|compte ... plus active|actif|utilisée|consultée|valide|désactivé*
            décédé*|décès
        """,
    },
    "es": {
        "leaves_firm": "dejo|dejaré|abandono",
        "left": """
            dejado [de] [trabajar] la|el|mi|esta|nuestra|en ... [empresa|compañía|organización|puesto|cargo]
            dejé [de] [trabajar] la|el|mi|esta|nuestra|en ... [empresa|compañía|organización|puesto|cargo]
            dejó [de] [trabajar] la|el|mi|esta|nuestra|en ... [empresa|compañía|organización|puesto|cargo]
            dejo [de] [trabajar] la|el|mi|esta|nuestra|en ... [empresa|compañía|organización|puesto|cargo]
            abandonado [de] [trabajar] la|el|mi|esta ... [empresa|compañía|organización|puesto|cargo]
            abandonado [de] [trabajar] nuestra|en ... [empresa|compañía|organización|puesto|cargo]
            abandonó [de] [trabajar] la|el|mi|esta|nuestra ... [empresa|compañía|organización|puesto|cargo]
            abandonó [de] [trabajar] en ... [empresa|compañía|organización|puesto|cargo]
            abandoné [de] [trabajar] la|el|mi|esta|nuestra ... [empresa|compañía|organización|puesto|cargo]
            abandoné [de] [trabajar] en ... [empresa|compañía|organización|puesto|cargo]
            ya_no ... trabajo|trabaja|formo|forma|pertenezco|pertenece|soy ... [empresa|compañía|parte]
            ya_no ... estoy|está|labora|laboro ... [empresa|compañía|parte]
            ya no trabaj*|labor*|form*|pertene*
            jubilad*|jubilación|me_jubil*|retirad*
            cambiado de puesto|empresa|trabajo|cargo
            último día
            cuenta|buzón|correo|dirección ... desactivad*|ya_no
            desvincul*
            fallec*
        """,
    },
    "it": {
        "left": """
            lasciato|lascio|lascia|lascerò [l|la|il|definitivamente] [azienda|società|incarico|ditta|gruppo]
            non ... più|piu ... lavor*|parte|azienda|dipendente|presso|organico|collabor*|società
            non lavor* più|piu
            pensione|pensionat*
            cambiato lavoro|azienda|ruolo|incarico
            ultimo giorno
            nuovo incarico|ruolo
            casella|indirizzo|account ... non_più|disattivat*|dismess*
            deceduto|mancato
        """,
    },
    "pt": {
        "leaves_firm": "deixo|deixarei",
        "left": """
            deixei|deixou|saí [de] [trabalhar] a|o|da|do|na|no ... [empresa|companhia|organização|grupo]
            saiu|deixo [de] [trabalhar] a|o|da|do|na|no ... [empresa|companhia|organização|grupo]
            já_não|não|ja_não|nao ... mais|trabalho|trabalha|faço|faz|pertenço|pertence|estou ... empresa
            já_não|não|ja_não|nao ... mais|trabalho|trabalha|faço|faz|pertenço|pertence|estou ... companhia
            já_não|não|ja_não|nao ... mais|trabalho|trabalha|faço|faz|pertenço|pertence|estou ... equipa
            já_não|não|ja_não|nao ... mais|trabalho|trabalha|faço|faz|pertenço|pertence|estou ... equipe
            já_não|não|ja_não|nao ... mais|trabalho|trabalha|faço|faz|pertenço|pertence ... organização
            já_não|não|ja_não|nao ... estou ... organização
            já_não|não|ja_não|nao ... mais|trabalho|trabalha|faço|faz|pertenço|pertence|estou ... parte
            já_não|não|ja_não|nao ... mais|trabalho|trabalha|faço|faz|pertenço|pertence|estou ... quadro
            já_não trabalh*|faço|faz|estou
            não trabalh*|faço|faz mais|parte
            reform*|aposent*
            mudei|mudou de emprego|empresa|função|cargo
            último dia
            desligad*|desliguei ... empresa|da
            conta|caixa|endereço ... desativad*
            falec*
        """,
    },
    "nl": {
        "leaves_firm": "verlaat",
        "left": """
            uit dienst
            niet|niet_langer ... meer ... werkzaam|dienst|bij|werk
            niet meer|langer werkzaam|in_dienst|bij
            werk|werkt niet_meer|niet_langer
            heb|heeft|hebben ... verlaten
            met|vervroegd pensioen
            laatste werkdag|dag
            andere|nieuwe functie|baan|uitdaging|werkgever
            mailbox|adres|account ... niet_meer|gesloten|opgeheven
            overleden
        """,
    },
    "sv": {
        "leaves_firm": "lämnar",
        "left": """
            slutat|slutar|lämnat|lämnar [min|mitt|på|hos|vid|sin] [företaget|bolaget|tjänst|anställning|oss]
            inte|ej längre|kvar ... arbetar|anställd|jobbar|kvar|företaget|på|hos|bolaget
            arbetar|jobbar inte|ej längre|kvar
            gått i|i pension
            pension|pensionerad
            sista arbetsdag|dag
            ny tjänst|roll|arbetsgivare
            avliden
        """,
    },
    "da nb": {
        "left": """
            stoppet|sluttet|fratrådt [hos|i|på|ved|som|virksomheden|selskapet|firmaet|stillingen|firmaet]
            fratrådte|fratrådt|forladt [hos|i|på|ved|som|virksomheden|selskapet|firmaet|stillingen|firmaet]
            forlatt|slutter [hos|i|på|ved|som|virksomheden|selskapet|firmaet|stillingen|firmaet]
            ikke længere|lenger|mere ... ansat|ansatt|arbejder|jobber|arbeider|hos|i|del
            arbejder|jobber|arbeider ikke længere|lenger|mere
            gået|gått på|af pension
            pensioneret|pensjonist|pensionist|pensjonert
            sidste|siste arbejdsdag|arbeidsdag|dag
            nyt|ny|nye job|jobb|stilling|udfordringer|utfordringer|rolle
            afdød
        """,
    },
    "fi": {
        "left": """
            en|ei ... enää ... työskentele*|palveluksessa|töissä|työsken*|yhtiö*|yritykse*
            jäänyt|jäin|jään eläkkeelle
            eläkkeellä|eläkkeelle
            lähtenyt|poistunut|siirtynyt|siirryin ... palveluksesta|yrityksestä|tehtäv*|yhtiöstä|uusiin
            lähtenyt|poistunut|siirtynyt|siirryin ... toisen
            työsuhteeni|työsuhde ... päättynyt|päättyi
            lopettanut|lopetin ... yrityksessä|palvelukse*|työt
            viimeinen työpäiv*
        """,
    },
    "pl": {
        "left": """
            nie|już_nie ... pracuj*|jest|jestem ... już|firm*|pracownik*|spół*|u_nas
            już nie pracuj*
            odszedł|odeszła|odszedłem|odeszłam|zakończył*|zakończyłem ... firm*|prac*|współprac*|spół*
            zakończyłam ... firm*|prac*|współprac*|spół*
            emerytur*|emeryt
            zmienił* ... prac*|stanowisk*
            ostatni dzień
            skrzynka|adres|konto ... nieaktywn*|nie_jest_już|dezaktyw*
        """,
    },
    "cs sk": {
        "left": """
            již|už|uz|viac ... nepracuj*|není|nie_je|nejsem|nie_som|nepůsob*|nepôsob*
            nepracuj* ... už|již|více|viac|společnosti|spoločnosti|firmě|firme
            odešel|odešla|odišiel|odišla|opustil*|ukončil* ... společnost*|spoločnost*|firm*|pracovn*
            odešel|odešla|odišiel|odišla|opustil*|ukončil* ... důchod*|dôchod*|zaměstnání
            důchod*|dôchod*
            poslední|posledný den|deň
            změnil*|zmenil* ... zaměstn*|zamestn*|pozici|pozíciu
        """,
    },
    "hr sr sl bg mk": {
        "left": """
            više|vise|več ... ne|nisam|nije|nisem|ni ... radi*|zaposlen*|dela*|član*
            ne radim|radi|delam|dela več|više
            napustio|napustila|zapustil|zapustila ... tvrtku|kompaniju|firmu|podjetje|poduzeće
            mirovin*|penzij*|upokoj*
            вече не работ*
            не работ* вече|повече
            напусн*|напусти* ... компани*|фирм*|дружеств*
            пенси*
        """,
    },
    "ru uk be": {
        "left": """
            больше|уже|более|більше|вже ... не ... работа*|являюсь|является|працю*|сотрудни*
            не работа*|працю* ... больше|уже|более|більше|вже
            уволил*|уволен*|звільни*|звільнен*|покинул* ... [компани*|организаци*|роботи|с_работы|фірм*]
            покинув|покинула|ушёл|ушел|ушла ... [компани*|организаци*|роботи|с_работы|фірм*]
            на|вышел|вышла|вийшов|вийшла пенси*
            последний|останній рабочий|робочий
            сменил*|змінив|змінила ... работ*|должност*|робот*|посад*
            перешёл|перешел|перешла|перейшов|перейшла ... друг*|нов*|інш*
        """,
    },
    "hu": {
        "left": """
            már|többé ... nem ... dolgoz*|munkatárs*|tagja|áll
            nem dolgoz* ... már|tovább|többé
            elhagyt*|távozt* ... cég*|vállalat*
            nyugdíj*
            utolsó munkanap*
            munkaviszony* ... megszűnt
        """,
    },
    "ro": {
        "left": """
            nu [mai] lucrez|lucrează|lucreaza|fac|face|sunt ... mai|parte|compani*|firm*|angajat*|cadrul
            nu [mai] este ... mai|parte|compani*|firm*|angajat*|cadrul
            nu mai lucr*|fac|sunt|activ*
            părăsit|parasit|plecat ... compani*|firm*|organiza*
            pension*
            ultima zi
        """,
    },
    "tr": {
        "left": """
            artık ... çalışmıyor*|çalışmamakta*|değil*
            şirketten|firmadan|görevimden|işten|şirketinden|kurumdan ayrıl*
            görevinden|görevimden|bünyesinden ayrıl*
            emekli ol*
            emekliye ayrıl*
            son iş_günü*
        """,
    },
    "el": {
        "left": """
            δεν ... πλέον|πια ... εργάζ*|δουλεύ*|εταιρεία|ανήκ*
            δεν εργάζ*|δουλεύ* πλέον|πια
            αποχώρησ*|αποχωρ*|έφυγα ... εταιρεία|από
            συνταξιοδοτ*|συνταξ*
        """,
    },
    "et lv lt": {
        "left": """
            ei tööta enam
            enam ei tööta
            lahkunud|lahkusin ... ettevõttest|töölt
            vairs nestrādā*
            nestrādāj* vairs
            nebedirb*|nebedirbu
            pensij*|pensionil
        """,
    },
    "ja zh ko": {
        "left": """
            退職|退社|離職|定年|転職|異動|転籍
            离职|離職|已离开|退休|不再任职|不再担任|不在本公司|不在公司|调离|已调|不再 ... [公司|工作|任职|负责]
            퇴사|퇴직|이직|근무하지않|더이상근무|부서이동|은퇴
        """,
    },
    "he ar": {
        "left": """
            עזבתי|עזב|עזבה|סיימתי|סיים|סיימה|פרשתי|פרש|פרשה ... את|עבודתי|תפקיד*|לגמלאות|החברה|לעבוד
            לא|אינו|אינה|אינני|איני ... עובד|עובדת|מועסק|מועסקת
            כבר לא ... עובד|עובדת|בחברה
            غادرت|تركت|غادر|ترك|استقلت|تقاعدت|تقاعد|استقال ... [الشركة|العمل|المؤسسة|الوظيفة]
            لم_أعد|لم_يعد|لم_اعد|لا ... أعمل|يعمل|اعمل|تعمل ... [في|لدى]
        """,
    },
    "vi id ms th": {
        "left": """
            không|đã ... còn|nghỉ ... làm_việc|việc
            nghỉ_việc|nghỉ_hưu|thôi_việc
            tidak|sudah_tidak|tak lagi ... bekerja|bertugas
            tidak bekerja lagi|di
            sudah tidak bekerja
            resign|pensiun|mengundurkan_diri
            ลาออก|เกษียณ|ไม่ได้ทำงาน|พ้นสภาพ
        """,
    },
}

FIRST_PERSON = {
    "en": "i im ive ill id me my mine myself",
    "de": "ich mich mir mein meine meinem meinen meiner",
    "fr": "je j jai moi mon ma",
    "es": "yo mi mis conmigo",
    "it": "io mio mia",
    "pt": "eu meu minha comigo",
    "nl": "ik mij mijn",
    "sv da no": "jag mig min jeg meg",
    "fi": "minä minun",
    "pl": "mnie mój moja",
    "ru uk": "я мне меня мой мной мені мене",
    "hu": "én nekem",
    "tr": "ben bana",
    "el": "εγώ μου",
    "ja zh": "私 我 本人",
}
THIRD_PERSON = {
    "en": "he she they who",
    "de": "er sie herr frau",
    "fr": "il elle qui",
    "es": "él ella quien",
    "it": "lui lei che",
    "pt": "ele ela",
    "nl": "hij zij",
    "sv da no": "han hon hun",
}
