"""What people answer to an offer, per language: kind → phrases.

Kinds: interested, proposal (interest if a day is named with it), not_interested, later (not now, or write again),
referral (another person is the one to ask), right_person (the writer is not).
"""

from __future__ import annotations

INTENT_WEST = {
    "en": {
        "interested": """
            interested|intrigued|curious
            sounds|looks|seems good|great|interesting|promising|useful
            tell me|us more
            more|further|additional information|info|details
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] price
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] price
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] prices
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] prices
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] pricing
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] pricing
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] quote
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] quote
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] quotation
            forward [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] quotation
            email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] quotation
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] offer
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] offer
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] brochure
            forward [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] brochure
            email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] brochure
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] catalogue
            forward [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] catalogue
            email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] catalogue
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] catalog
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] catalog
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] deck
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] deck
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] datasheet
            forward [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] datasheet
            email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] datasheet
            send [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] information
            share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] information
            forward [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] information
            email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] information
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] info
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] info
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] details
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] details
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] proposal
            forward [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] proposal
            email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] proposal
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] samples
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] samples
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] sample
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] sample
            send [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] presentation
            share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] presentation
            forward [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] presentation
            email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] presentation
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] one_pager
            forward [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] one_pager
            email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] one_pager
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] examples
            forward [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] examples
            email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] examples
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] demo
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] demo
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] video
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] video
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] link
            forward|email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] link
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] material
            forward [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] material
            email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] material
            send|share [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] contract
            forward [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] contract
            email [me|us|over|through] [the|a|an|your|some|more|further] [product|technical] contract
            price|prices|pricing list|lists|sheet|per|please|for|and
            lead|delivery time|times
            how much|soon|fast|long|many|does|do_you|would|is_the
            what does|do|would|will ... cost|include|charge
            question|questions about|on|regarding ... price|prices|pricing|cost|costs|product|service|offer|trial
            what [is|are|s] [the|your] price|prices|pricing|cost|costs|rate|rates|lead|minimum|terms
            what [is|are|s] [the|your] delivery|load|capacity
            a|the|your|get|have|book|see|schedule|want|like|arrange demo|demonstration|trial|quote|quotation
            a|the|your|get|have|book|see|schedule|want|like|arrange meeting|visit|sample|samples|proposal
            schedule|book|arrange|set_up|organise|organize ... call|meeting|demo|time|chat|visit|slot
            lets|let_us ... talk|chat|speak|meet|discuss|connect|hear|learn|see|try|a_call|know|look
            happy_to|glad_to ... talk|chat|speak|meet|discuss|connect|hear|learn|see|try|a_call|know|look
            love_to|like_to ... talk|chat|speak|meet|discuss|connect|hear|learn|see|try|a_call|know|look
            keen_to|want_to ... talk|chat|speak|meet|discuss|connect|hear|learn|see|try|a_call|know|look
            open_to|up_for ... talk|chat|speak|meet|discuss|connect|hear|learn|see|try|a_call|know|look
            willing_to ... talk|chat|speak|meet|discuss|connect|hear|learn|see|try|a_call|know|look
            call|ring me|us [on|at|back|tomorrow|today|when|any|anytime|next|this|between|after|before]
            phone me|us [on|at|back|tomorrow|today|when|any|anytime|next|this|between|after|before]
            give me|us a call|ring|shout|buzz
            available|free|works ... for|on|at|monday|tuesday|wednesday|thursday|friday|tomorrow|week
            available|free|works ... morning|afternoon|call
            works for me
            we|i want|need|may|might|could|would ... order|buy|purchase|two|three|one|some|several|visit
            wed|id like|love ... visit|demo|quote|offer|call|see|know|learn|hear|talk
            your calendar|availability|booking
            yes [please]
            sure|absolutely|definitely $
            count me in
            go ahead
            good timing
            next steps
        """,
        "proposal": """
            can|could|should we|i ... talk|chat|speak|meet|call|connect|jump_on
            lets|let_us do|have|jump_on|hop_on|get_on ... call|chat|meeting|demo
            set_up|arrange ... demo|call|meeting|trial
        """,
        "not_interested": """
            not|no|never|isnt|arent|wont|lack_of|without|zero .. interested|interest|relevant|needed
            not|no|never|isnt|arent|wont|lack_of|without|zero .. required|fit|for_us|applicable|something_we
            not|no|never|isnt|arent|wont|lack_of|without|zero .. looking
            isnt|not|nothing ... for us|me
            no thanks|thank_you|thankyou|thx|need|interest|use_for|demand|requirement|budget
            dont|do_not|wont|not|have_no|no ... need [of|for|this|it|any|your|these|such|you]
            we|i have no need|use
            already have|use|using|got|work|working|buy|covered|sorted|partner|supplier|vendor
            happy|satisfied|content|all_set|fine ... with|current|our|present|existing|provider|supplier
            happy|satisfied|content|all_set|fine ... vendor|as|thanks
            build|make|do|manage|handle|develop|produce ... our own|ourselves|in_house|inhouse
            our own
            pass on|this
            well|ill|we_will|i_will|going_to|have_to|must|us pass|decline
            decline|declining
            doesnt|does_not|not ... fit|apply|suit|concern|interest
            out of business
            not a good|the_right|a fit|match
            please close|archive my|the file|ticket
            we went|gone|going with another|a_different|someone|other|your|a_competitor
            chose|chosen|selected|picked another|a_different|someone|other
            too expensive|small|costly
            no budget
        """,
        "later": """
            not now|yet|at_the_moment|right_now|at_this_time|at_present|currently|this_year|this_quarter
            not today|this_month|at_this_stage|a_priority|the_right_time|a_good_time|just_yet|ready
            bad|wrong timing|time|moment
            too early|busy|soon
            later|another time|on|this|in|down|year
            maybe|perhaps|possibly later|next|in|after
            ping|contact|write|email|call ... again|back|out|up|base|in|after|next|later|on|from|then|me
            reach|try|ask|message|mail|check ... again|back|out|up|base|in|after|next|later|on|from|then|me
            follow|circle|come|get|touch ... again|back|out|up|base|in|after|next|later|on|from|then|me
            remind|talk|speak|reconnect ... again|back|out|up|base|in|after|next|later|on|from|then|me
            approach|revisit|connect|ring ... again|back|out|up|base|in|after|next|later|on|from|then|me
            revisit|reconsider|re_visit|look_at_this ... in|next|after|later|again|this
            next quarter|year|month
            next|new budget
            budget cycle|is_frozen|freeze|frozen
            shutdown|closed until|till|through
            wait until|till|for
            after [the] summer|holidays|christmas|easter|launch|migration|release|move|season|trade_fair
            on hold
            in {N} weeks|months|days
            when the time|we_are_ready|were_ready
            keep|stay in touch|mind
            swamped|snowed_under
        """,
        "N": "1|2|3|4|5|6|a_few|a_couple_of|two|three|four|five|six|several|some",
        "referral": """
            contact|ask|write|email|call|try|reach|message|approach [out] [to|with|directly] [my|our|the]
            address|mail|cc|copy|ping|talk|speak|connect|consult [out] [to|with|directly] [my|our|the]
            get|be in touch with
            best|better|right|correct|proper person|contact|one|address|people|colleague|place|team
            appropriate|relevant|good person|contact|one|address|people|colleague|place|team
            responsible|in_charge|handles|handle|looks_after|deals|decides|buys|takes_care|manages|owns|runs
            covers|purchases
            forward|forwarded|forwarding|passed|pass|passing|looped|looping|loop|copied|copying|copy|cced
            ccing|adding|added|introduce|introducing|redirect|direct
            colleague|successor|replacement|department|counterpart|boss|manager|assistant|purchasing
            procurement
        """,
        "right_person": """
            not|wrong|isnt|arent the|a|my right|correct|best|proper|appropriate person|contact|one
            not|wrong|isnt|arent the|a|my right|correct|best|proper|appropriate responsibility|department
            not|wrong|isnt|arent the|a|my right|correct|best|proper|appropriate area|job|field|address|place
            wrong person|contact|department|address|place
            not responsible|in_charge|my_department|my_area|my_job|my_call|involved|the_one|the_buyer
            dont|do_not|no_longer|not deal|handle|work|decide|manage|make ... [with|these|this|decisions]
            should|could|might|would|need|must ... speak|talk|ask|contact|write ... my|our|the ... colleague
            will ... speak|talk|ask|contact|write ... my|our|the ... colleague
            should|could|might|would|need|must|will ... speak|talk|ask|contact|write ... my|our|the ... boss
            should|could|might|would|need|must ... speak|talk|ask|contact|write ... my|our|the ... manager
            will ... speak|talk|ask|contact|write ... my|our|the ... manager
            should|could|might|would|need|must|will ... speak|talk|ask|contact|write ... my|our|the ... cto
            should|could|might|would|need|must|will ... speak|talk|ask|contact|write ... my|our|the ... ceo
            should|could|might|would|need|must|will ... speak|talk|ask|contact|write ... my|our|the ... cfo
            should|could|might|would|need|must|will ... speak|talk|ask|contact|write ... my|our|the ... team
            should|could|might|would|need ... speak|talk|ask|contact|write ... my|our|the ... department
            must|will ... speak|talk|ask|contact|write ... my|our|the ... department
            should|could|might|would|need|must|will ... speak|talk|ask|contact|write ... my|our|the ... head
            should|could|might|would|need|must ... speak|talk|ask|contact|write ... my|our|the ... director
            will ... speak|talk|ask|contact|write ... my|our|the ... director
            should|could|might|would|need ... speak|talk|ask|contact|write ... my|our|the ... purchasing
            must|will ... speak|talk|ask|contact|write ... my|our|the ... purchasing
            should|could|might|would|need ... speak|talk|ask|contact|write ... my|our|the ... procurement
            must|will ... speak|talk|ask|contact|write ... my|our|the ... procurement
            should|could|might|would|need|must ... speak|talk|ask|contact|write ... my|our|the ... buyer
            will ... speak|talk|ask|contact|write ... my|our|the ... buyer
        """,
    },
    "de": {
        "interested": """
            interessant|interessiert|spannend
            interesse [an|besteht|habe|hätte|haben|hätten]
            gerne|gern $
            gerne|gern ... mehr|termin|telefonieren|sprechen|angebot|kennen|hören|ansehen|treffen|sehen
            gerne|gern ... austauschen|besuch|anrufen|infos|informationen|demo
            angebot|preisliste ... schicken|senden|zusenden|zukommen|bitte|machen|bekommen|erhalten|haben
            preise|preis ... schicken|senden|zusenden|zukommen|bitte|machen|bekommen|erhalten|haben
            unterlagen|prospekt ... schicken|senden|zusenden|zukommen|bitte|machen|bekommen|erhalten|haben
            datenblatt ... schicken|senden|zusenden|zukommen|bitte|machen|bekommen|erhalten|haben
            informationen|infos ... schicken|senden|zusenden|zukommen|bitte|machen|bekommen|erhalten|haben
            muster|katalog ... schicken|senden|zusenden|zukommen|bitte|machen|bekommen|erhalten|haben
            details ... schicken|senden|zusenden|zukommen|bitte|machen|bekommen|erhalten|haben
            schicken|senden|machen|schick|sende|mailen ... [sie|mir|uns|bitte] ... angebot|preisliste|preise
            schicken|senden|machen|schick|sende|mailen ... [sie|mir|uns|bitte] ... unterlagen|prospekt
            schicken|senden|machen|schick|sende|mailen ... [sie|mir|uns|bitte] ... datenblatt|informationen
            schicken|senden|machen|schick|sende|mailen ... [sie|mir|uns|bitte] ... infos|muster|katalog
            schicken|senden|machen|schick|sende|mailen ... [sie|mir|uns|bitte] ... details
            was|wieviel|wie_viel|wie_teuer kostet|kosten|ist
            mehr infos|informationen|details|erfahren|wissen
            wann können|könnten|kann|hätten|haben|passt
            termin ... vereinbaren|machen|vorschlagen|ausmachen|passt|möglich|finden
            rufen|ruf|melden ... mich|uns|sich ... an|bei
            klingt|hört_sich|sieht gut|interessant|spannend|vielversprechend
            lieferzeit|lieferzeiten|liefern
            passt mir
            können|könnten ... sie|wir ... liefern|zeigen|telefonieren|sprechen|treffen|vorführen
            erzählen sie mehr
            testen|vorführung|testzugang|demo|probe
        """,
        "not_interested": """
            kein|keinen|keinerlei|nicht|ohne ... interesse|interessiert|bedarf|interessant|relevant|benötigt
            kein|keinen|keinerlei|nicht|ohne ... gebraucht|verwendung|passend|budget
            nein danke
            brauchen|benötigen|brauche|benötige ... nicht|nichts|kein*
            bereits|schon|haben ... versorgt|lieferanten|anbieter|partner|lösung|eingedeckt|im_einsatz
            bereits|schon|haben ... dienstleister|system
            zufrieden mit
            passt|kommt nicht|für_uns_nicht
            nichts für uns|mich
            nicht für uns|in_frage|infrage
            kein thema
            lehnen|müssen|möchten|sage|lehne ... ab|absagen|verzichten
            selbst|selber|eigene*|inhouse ... her|bauen|machen|entwickelt|lösung
            anderweitig|anders entschieden|vergeben
        """,
        "later": """
            nicht|kein|keine|keinen ... jetzt|momentan|derzeit|aktuell|zurzeit|im_moment|dieses_jahr|heuer
            nicht|kein|keine|keinen ... gerade|zur_zeit|noch
            momentan|derzeit|aktuell|zurzeit|im_moment|zur_zeit|gerade|noch nicht|kein|keine|keinen
            später|zu_einem_späteren_zeitpunkt|demnächst
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen ... wieder
            versuchen ... wieder
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen ... nochmal
            versuchen ... nochmal
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen ... noch_einmal
            versuchen ... noch_einmal
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen ... erneut
            versuchen ... erneut
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen|versuchen ... im
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen|versuchen ... in
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen|versuchen ... nach
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen|versuchen ... ab
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen ... später
            versuchen ... später
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen ... anfang
            versuchen ... anfang
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen ... mitte
            versuchen ... mitte
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen|versuchen ... ende
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen ... nächst*
            versuchen ... nächst*
            melden|melde|schreiben|schreib|fragen|frag|kontaktieren|rufen|kommen|sprechen ... kommend*
            versuchen ... kommend*
            nächstes|nächsten|kommendes|kommenden jahr|quartal|monat|jahres
            erst [wieder] im|in|nach|ab|nächst*
            zu früh|beschäftigt
            keine zeit|kapazität*
            in ein paar wochen|monaten
            budget ... nächst*|erst|eingefroren
            auf eis
        """,
        "referral": """
            wenden|kontaktieren|schreiben|fragen|sprechen ... sie|sich|an|mit|bei|meine*|unsere*|kolleg*
            richten|melden|kontaktiere|frag|frage|rufen ... sie|sich|an|mit|bei|meine*|unsere*|kolleg*
            zuständig*|verantwortlich*|ansprechpartner*|ansprechperson|entscheider*|kollege|kollegin
            kollegen|nachfolger*|einkauf|vertretung
            weitergeleitet|weiterleiten|leite|cc|kopie
            am besten an|bei
        """,
        "right_person": """
            nicht|falsche|falscher|falschen ... zuständig*|ansprechpartner*|verantwortlich*|richtige|bereich
            nicht|falsche|falscher|falschen ... abteilung|person
            bin nicht der|die richtige
        """,
    },
}
