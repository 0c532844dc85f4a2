//! The words of refusals, by language.
//!
//! Accents and capitals do not count, so each word stands here in one spelling; a star ends a word of which only the beginning counts.

/// The words of a language, in small letters, with a stroke between two.
pub(super) struct Words {
    /// One of them, with no others but fillers around it, is a refusal.
    pub(super) refusals: &'static str,
    /// Phrases that are refusals wherever they stand in a short message.
    pub(super) phrases: &'static str,
    /// What may stand around a word of refusal without changing it.
    pub(super) fillers: &'static str,
}

pub(super) const ENGLISH: Words = Words {
    refusals: "stop|stopall|stopp|unsubscribe|unsubscribed|unsub|cancel|end|quit|revoke|optout|remove|halt|desist|cease|arret|\
        arrêt|stpo|unsubcribe|unsuscribe|stop2end|stoptoend|nomore|goaway|stp|sotp|tsop|stip|dtop|sstop|sttop|stoop|\
        stopit|stopthis|stahp|dnd|getlost|foff|spam|reported|blocked|unsubscibe|unsubsribe|unsuscribed|unsubscribeme|removeme|dnc|endall|cancelall|quitall|td",
    phrases: "no longer interested|take my number off|delete my data|said to stop|told you to stop|asked you to stop|\
        stop calling|dont write to me|no more contact|opt out|opt me out|opting out|sign me off|take me off|remove me|\
        delete me|remove my number|delete my number|remove this number|lose my number|unsubscribe me|leave me alone|\
        stop texting|stop messaging|stop sending|stop contacting|stop writing|stop spamming|stop bothering|stop it|\
        stop this|stop these|quit texting|do not text|do not contact|do not message|do not write|do not call|\
        do not send|do not email|dont text|dont contact|dont message|dont write|dont call|dont send|dont email|\
        no more texts|no more messages|no more sms|no more emails|not interested|never contact|never text|wrong number|\
        cease and desist|i want to unsubscribe|i want out|get me off|exclude me|strike me from|drop me from|stop harassing|stop emailing|stop mailing|\
        stop phoning|stop ringing|stop pestering|stop annoying|stop bugging|stop reaching out|stop hitting me up|\
        stop all|stop everything|quit calling|quit messaging|quit emailing|quit contacting|quit bugging|quit spamming|\
        quit sending|cease texting|cease calling|cease contacting|cease sending|never call|never message|never email|\
        never write|do not reach out|dont reach out|do not disturb|dont disturb|do not bother|dont bother me|dont phone|\
        do not phone|dont ring|do not ring|dont mail|do not mail|dont sms|do not sms|dont want any more|\
        do not want any more|dont want texts|do not want texts|dont want messages|do not want messages|dont want emails|\
        do not want emails|dont want calls|do not want calls|dont want your texts|dont want your messages|\
        dont want your emails|do not want your messages|dont want these texts|dont want these messages|\
        dont want these emails|do not want these|dont want to receive|do not want to receive|dont want to be contacted|\
        do not want to be contacted|no longer wish|no longer want|not wish to receive|not wish to be|\
        not want to receive|not want to be contacted|rather not receive|no further contact|no further messages|\
        no further texts|no further emails|no further calls|no further communication|no more calls|\
        no more communication|no more mail|no more spam|get removed|remove my email|remove my name|remove my data|\
        remove my details|delete my email|delete my details|delete my name|erase my data|forget me|forget my number|\
        lose this number|take me out|take my name off|take my email off|cross me off|strike me off|unsub me|opted out|\
        wants to opt out|opt outs|wrong person|wrong guy|not the right person|i never signed up|i didnt sign up|\
        i did not sign up|this is spam|report you for spam|report you as spam|reported as spam|reporting you|piss off|\
        fuck off|bugger off|buzz off|unsubscribe from|to unsubscribe|me unsubscribed|be unsubscribed|\
        cancel my subscription|cancel the subscription|end my subscription|end this subscription|withdraw my consent|\
        withdraw consent|revoke my consent|revoke consent|i revoke|i object to|leave us alone|stop it already|\
        enough already|remove from list|remove from the list|remove from your|remove from all|from your mailing|off your list|off your mailing|off this list|\
        report spam|spam reported|blocking you|blocked you|youre blocked|have no interest|have zero interest|enough with the|he passed away|she passed away|has passed away|is deceased|was deceased|want to be removed|\
        wants to be removed|like to be removed|to be removed|to be taken off|please block me|dont wish to receive|\
        dont wish to be|do not wish to receive|do not wish to be|said stop|please stop|stop the texts|stop the messages|\
        stop the emails|stop the calls|stop your|stop with the|to not contact me|not to contact me|\
        please not contact me|not contact me again|not contact me anymore|to not call me|not to call me|\
        please not call me|not call me again|not call me anymore|to not text me|not to text me|please not text me|\
        not text me again|not text me anymore|to not email me|not to email me|please not email me|not email me again|\
        not email me anymore|to not message me|not to message me|please not message me|not message me again|\
        not message me anymore|to not write me|not to write me|please not write me|not write me again|\
        not write me anymore|please no more|no more please|stop contact|i said no|leave me be|let me be|take us off|\
        remove us|unsubscribe us|dont wanna receive|dont wanna get|uninterested|isnt interested|never interested|\
        quit it|cut it out|knock it off|do not use my|do not solicit|no solicitation|no soliciting|not consent|\
        no consent|never agreed|never consented|did not consent|didnt consent|dont consent|cease all|\
        cease communication|stop communication|stop communicating|end all communication|make it stop|make this stop|\
        make them stop|dont want to hear from|do not want to hear from|never want to hear|lose my contact|lose my info|\
        not the right number|report you to|erase all my|delete all my|erase my|hereby object",
    fillers: "no|omg|reply|really|once|at|please|pls|plz|now|all|me|us|messages|message|msgs|texts|text|texting|sms|emails|email|\
        mails|calls|this|these|it|the|your|you|from|to|list|number|thanks|thank|ok|okay|just|immediately|promotions|ads|\
        spam|subscription|forever|hi|hello|hey|sorry|everything|contact|sending|i|want|would|like|wish|need|dude|bro|\
        bruh|guys|mate|buddy|pal|sir|maam|ffs|wtf|lol|fucking|fuckin|damn|goddamn|seriously|already|again|asap|ever|\
        kindly|yall|stuff|crap|shit|and|requested|request|fully|my|nope|nah",
};

const GERMAN: Words = Words {
    refusals: "stop|stopp|abmelden|abbestellen|abbestellung|austragen|kündigen|kuendigen|aufhören|aufhoeren|abmeldung|löschen|\
        loeschen|widerruf|widerrufe|schluss|ende|stoppen|aufhoren|abbestellt|abgemeldet|austragung|widerspruch|\
        widersprechen|widersprechend|unterlassen",
    phrases: "keine weiteren nachrichten|keine weitere nachricht|keine weiteren sms|keine sms mehr|keine nachrichten mehr|\
        keine mails mehr|keine emails mehr|keine e mails mehr|keine werbung|nicht mehr schreiben|nicht mehr anschreiben|\
        nicht mehr kontaktieren|nicht mehr anrufen|bitte nicht mehr|widerrufe ich|widerspreche ich|melden sie mich ab|meldet mich ab|melde mich ab|ich melde mich ab|\
        tragen sie mich aus|lass mich in ruhe|lasst mich in ruhe|lassen sie mich in ruhe|hören sie auf|hört auf|hör auf|\
        kein interesse|aus dem verteiler|falsche nummer|löschen sie meine|löscht meine|schreiben sie mir nicht|\
        schreibt mir nicht|nicht mehr schicken|nicht mehr senden|nicht mehr zusenden|nicht mehr melden|nicht mehr per|\
        nichts mehr schicken|nichts mehr senden|nichts mehr von ihnen|keine anrufe|keine weiteren anrufe|\
        keine weiteren mails|keine weiteren e mails|keine weiteren emails|rufen sie mich nicht|rufen sie nicht|\
        ruf mich nicht|ruft mich nicht|kontaktieren sie mich nicht|kontaktiert mich nicht|kontaktiere mich nicht|\
        schreib mir nicht|schreiben sie nicht|loschen sie mich|losch mich|loscht mich|loschen sie meine|losch meine|\
        meine daten loschen|meine nummer loschen|hor auf mir|horen sie damit auf|nicht interessiert|unterlassen sie|\
        ich widerspreche|ich widerrufe|widerrufe meine|nehmen sie mich aus|nimm mich aus|nehmt mich aus|\
        streichen sie mich|falsche person|falscher empfanger|verpiss dich|verpisst euch|lass das|lassen sie das|\
        newsletter abbestellen|abmelden bitte|mich abmelden|will abmelden|bitte nicht anrufen|bitte nicht kontaktieren|\
        bitte nicht schreiben|mich nicht anrufen|mich nicht kontaktieren|mir nicht schreiben|mir nicht mehr",
    fillers: "bitte|mich|sofort|jetzt|alle|danke|die|den|newsletter|nachrichten|mehr|mit|sms|ich|will|mochte|hiermit|das|\
        endlich|damit|bitteschon|sie|doch|mal|hallo|meine|e|mail|mails|anrufe|werbung|vom|von|dem|auf|einfach",
};

const RUSSIAN: Words = Words {
    refusals: "стоп|стой|отписаться|отпишись|отпишите|отписка|отписываюсь|отпишусь|отказ|отказываюсь|отмена|отменить|\
        прекратить|прекратите|прекрати|хватит|удалите|удалить|удали|отстаньте|отстань|отвали|отвалите|отключить|\
        отключите|уберите|стопэ|отписать|отпишитесь|отписался|отписалась|остановите|остановитесь|останови|перестаньте|\
        перестань|прекращайте|прекращай|исключите|заблокируйте|отзываю|спам|достали|заебали|задолбали",
    phrases: "не нужно мне писать|не нужно писать|не надо мне писать|не нужно мне звонить|перестаньте писать|\
        перестаньте звонить|отвяжитесь|отвяжись|не хочу получать|не пишите|не пиши|не писать|не звоните|не звони|\
        не звонить|не беспокойте|не беспокоить|не присылайте|не присылай|не отправляйте|не шлите|не надо писать|\
        не надо присылать|не надо звонить|больше не надо|отпишите меня|удалите меня|удалите мой номер|уберите меня|\
        уберите мой номер|исключите меня|оставьте меня в покое|отстаньте от меня|хочу отписаться|прошу отписать|\
        прошу не писать|не интересно|неинтересно|не интересует|ошиблись номером|не тот номер|отказываюсь от рассылки|\
        отменить подписку|отмените подписку|прекратите рассылку|снимите меня|не связывайтесь|не связываться|\
        не контактируйте|не тревожьте|не спамьте|не спамь|не шли|не посылайте|не рассылайте|больше не звоните|\
        перестань писать|перестань звонить|перестаньте слать|перестаньте присылать|прекратите писать|прекратите звонить|\
        прекратите слать|прекратите присылать|хватит писать|хватит звонить|хватит слать|удалите мои данные|\
        удалите из базы|удалите из рассылки|удалите мой адрес|уберите из рассылки|вычеркните меня|не желаю получать|\
        не хочу больше получать|отзываю согласие|отзываю свое согласие|не даю согласия|не туда попали|ошиблись адресом|\
        идите к черту|идите нафиг|иди нафиг|отвалите от меня|отписаться от|отпишите нас|прошу удалить|прошу исключить|\
        не актуально|неактуально|не надо мне звонить|не надо мне присылать|не надо мне слать|не нужно мне слать|\
        против рассылки|против рассылок|против звонков|на хуй|нахуй|на хер|нахер|идите лесом|иди лесом|идите в баню|пошли вон",
    fillers: "пожалуйста|пожалуйте|пж|плиз|меня|мне|мой|номер|рассылку|рассылки|рассылка|сообщения|смс|спам|спамить|писать|от|\
        вас|всё|все|уже|больше|спасибо|подписку|прошу|хочу|я|слать|сейчас|немедленно|из|базы|списка|эту|это|да|ну|вам|\
        вы|же|плз",
};

const UKRAINIAN: Words = Words {
    refusals: "відписатися|відписатись|відпишіть|відписка|досить|припиніть|видаліть|відмова|скасувати|стоп|відпишіться|\
        відписуюсь|відпишись|припини|зупиніть|зупинити|зупиніться|годі|відчепіться|відчепись|видалити|скасуйте|\
        відмовляюсь|відмовляюся",
    phrases: "не пишіть|не пиши|не дзвоніть|не турбуйте|не надсилайте|відпишіть мене|видаліть мене|не цікаво|не писати|\
        не дзвони|не телефонуйте|не турбуй|не надсилай|не шліть|не присилайте|не звязуйтесь|не контактуйте|\
        припиніть писати|припиніть дзвонити|перестаньте писати|перестаньте дзвонити|годі писати|видаліть мій номер|\
        видаліть мої дані|не цікавить|не хочу отримувати|не бажаю отримувати|залиште мене в спокої|помилились номером|\
        ви помилилися|хочу відписатися|скасувати підписку|приберіть мене",
    fillers: "будь|ласка|мене|мені|дякую|більше|розсилку|повідомлення|прошу|хочу|я|від|з|розсилки|цю|це|все|вже|номер|мій|смс|\
        спам|спамити|писати",
};

const SPANISH: Words = Words {
    refusals: "alto|parar|para|pare|basta|baja|cancelar|cancela|cancele|desuscribir|desuscribirme|detener|eliminar|salir|\
        detenga|detenganse|deten|dejen|paren|borrar|borrame|eliminame|desuscribeme|desuscripcion|anular|suspender|\
        cancelen|stop|noquiero",
    phrases: "no quiero recibir|no deseo recibir|darme de baja|dame de baja|dar de baja|deme de baja|no me escriban|\
        no me escribas|no me contacten|no me llamen|no me llames|no mas mensajes|no más mensajes|no quiero mas|\
        no quiero más|no envíen|no envien|no me envien|no me envíen|déjenme en paz|dejenme en paz|numero equivocado|\
        número equivocado|no me interesa|no estoy interesado|no estoy interesada|no me escriba|no me contactes|\
        no me contacte|no contactar|no me llame|no llamar|no llamen|no llames|no me envies|no me envie|no me mandes|\
        no me manden|no me mande|no me molesten|no me molestes|no molestar|no quiero mensajes|no quiero llamadas|\
        no quiero correos|no quiero saber|dejar de recibir|borren mi|borre mi|borra mi|eliminen mi|elimine mi|\
        eliminar mis datos|eliminen mis datos|borren mis datos|quitenme|quiteme|quitame|saquenme|saqueme|sacame de|\
        eliminenme|persona equivocada|se equivoco de|se equivocaron|dejame en paz|deje me en paz|\
        retiro mi consentimiento|cancelar suscripcion|cancelar la suscripcion|cancelar mi suscripcion|no mas llamadas|\
        no mas correos|no mas sms|no estamos interesados|dej* de escrib*|dej* de llam*|dej* de envi*|dej* de mand*|\
        dej* de molest*|dej* de contact*|dej* en paz|dej* me en paz|par* de escrib*|par* de llam*|par* de envi*|par* de mand*|par* de molest*|\
        par* de contact*|como me doy de baja",
    fillers: "por|favor|ya|mensajes|gracias|todo|de|la|lista|suscripción|suscripcion|quiero|me|esto|estos|sms|correos|\
        llamadas|ahora|hola|envio|envios|todos|mas",
};

const FRENCH: Words = Words {
    refusals: "stop|arret|arrêt|arrêter|arreter|arrêtez|arretez|desabonner|désabonner|désinscrire|desinscrire|désabonnement|\
        desabonnement|désinscription|annuler|résilier|resilier|stopper|arrete|cessez|cesser|desinscrivez|desinscris|\
        desabonne|desabonnez|supprimer|supprimez|effacer|retirer|retirez|desinscrit",
    phrases: "plus de message|ne plus recevoir|me désabonner|me desabonner|me désinscrire|désabonnez moi|desabonnez moi|\
        désinscrivez moi|ne mécrivez plus|ne me contactez plus|ne mappelez plus|plus de messages|plus de sms|\
        laissez moi tranquille|retirez moi|supprimez mon|me retirer de|retirer de votre|de votre liste|pas intéressé|pas interesse|mauvais numéro|mauvais numero|\
        ne plus etre contacte|ne plus etre contactee|ne plus me contacter|ne plus mecrire|ne plus mappeler|\
        ne plus menvoyer|ne me contactez pas|ne me contacte plus|ne me contacte pas|ne mappelez pas|ne mappelle plus|\
        ne mappelle pas|ne mecris plus|ne mecris pas|ne mecrivez pas|ne menvoyez plus|ne menvoyez pas|ne menvoie plus|\
        ne me derangez plus|ne me derangez pas|ne me derange plus|plus dappels|plus de mails|plus demails|\
        plus de courriels|plus de pub|plus rien recevoir|pas interessee|ne minteresse pas|pas interesses|\
        desinscrivez moi|desinscris moi|desabonne moi|supprimez moi|supprimez mes|effacez mes|effacez mon|effacez moi|\
        retirez mon|enlevez moi|enleve moi|rayez moi|laisse moi tranquille|foutez moi la paix|fichez moi la paix|\
        fous moi la paix|mauvaise personne|mauvaise adresse|je retire mon consentement|je moppose|\
        je veux me desinscrire|je veux me desabonner|stop pub|stop sms|ne souhaite plus|souhaite ne plus|arret* de me|\
        arret* de mecrire|arret* de mappeler|arret* de menvoyer|arret* de nous|cess* de me|cess* de mecrire|\
        cess* de mappeler|cess* de menvoyer|cess* de nous|ne veux plus recevoir|ne veux plus de message*|\
        ne veux plus etre|vous vous trompez de",
    fillers: "svp|sil|vous|plait|plaît|merci|de|les|messages|maintenant|veuillez|me|tout|je|veux|souhaite|mon|numero|mes|\
        cette|ces|pub|sms|mails|appels|tous|moi|la|liste|bonjour|ca|ici|desormais",
};

const ITALIAN_AND_PORTUGUESE: Words = Words {
    refusals: "basta|ferma|fermati|annulla|cancella|cancellami|disiscrivi|disiscrivimi|disdici|parar|pare|sair|cancelar|\
        descadastrar|remover|stop|fermate|fermatevi|smettila|smettetela|smettete|smetti|cancellatemi|cancellate|\
        cancellare|cancellarmi|rimuovi|rimuovimi|rimuovetemi|rimuovere|disiscrivere|disiscrivetemi|disiscrizione|\
        disattiva|disattivare|revoco|recedo|annullare|parem|chega|cancele|cancela|cancelem|descadastre|descadastra|\
        descadastro|descadastrem|remova|remove|removam|retire|retirem|excluir|exclua|excluam|desinscrever|desinscreva|\
        apagar|apague|naoquero|nonvoglio",
    phrases: "non scrivetemi|non scrivermi|non contattatemi|non contattarmi|non chiamatemi|non mi interessa|\
        lasciatemi in pace|não me escreva|nao me escreva|não me contate|nao me contate|não me mande|nao me mande|\
        não quero receber|não me ligue|nao me ligue|não quero|nao quero|me tire da lista|me remova|não tenho interesse|\
        número errado|numero sbagliato|non scrivete|non chiamare|non chiamarmi|non chiamate|non contattare|non inviate|\
        non inviatemi|non inviarmi|non mandatemi|non mandarmi|non disturbate|non disturbatemi|non disturbare|\
        non voglio ricevere|non desidero ricevere|non desidero piu|non sono interessato|non sono interessata|\
        non mi interessano|basta messaggi|basta chiamate|basta email|basta sms|niente piu messaggi|nessun messaggio|\
        cancellate il mio|cancella il mio|cancellate i miei|rimuovete il mio|rimuovi il mio|toglietemi|toglimi|\
        lasciami in pace|mi lasci in pace|persona sbagliata|revoco il consenso|ritiro il consenso|voglio cancellarmi|\
        voglio disiscrivermi|annullare iscrizione|nao me chame|nao me liguem|nao ligue|nao liguem|nao ligar|\
        nao me envie|nao me enviem|nao envie|nao enviem|nao enviar|nao mande|nao mandem|nao me mandem|\
        nao entre em contato|nao entrem em contato|nao entrar em contato|nao me contatem|nao me contacte|\
        nao me contactem|nao contatar|nao contactar|nao me incomode|nao me incomodem|nao perturbe|nao desejo receber|\
        nao desejo mais|nao quero mais|nao tenho interesse|nao estou interessado|nao estou interessada|sem interesse|\
        me retire|me retirem|me removam|me exclua|me excluam|me tirem|me tira|tirem me|retirem me|remova me|remova meu|\
        removam meu|exclua meu|excluam meu|apague meu|apaguem meu|apague meus|cancelar inscricao|cancelar assinatura|\
        cancelar minha|quero cancelar|quero sair|quero me descadastrar|me descadastre|deixe me em paz|me deixe em paz|\
        me deixem em paz|deixem me em paz|numero errado|pessoa errada|engano de numero|retiro meu consentimento|\
        revogo meu|smett* di scriv*|smett* di chiam*|smett* di mand*|smett* di invi*|smett* di disturb*|\
        smett* di contatt*|smett* di telefon*|sbagliato numero|sbagliato persona|non voglio piu ricevere|\
        non voglio piu messaggi|non voglio piu essere|non voglio piu email|non voglio piu sms|non voglio piu chiamate|\
        par* de me|par* de mand*|par* de envi*|par* de lig*|par* de escrev*|par* de perturb*|chega de mensag*|\
        chega de sms|chega de lig*|chega de email*|chega de spam|como cancelo|como faco para sair|non mi chiam*|\
        non mi scriv*|non mi contatt*|non mi mand*|non mi invi*|non mi disturb*|non mi telefon*|non mi cercate|\
        nao me escrev*|nao me lig*|nao me mand*|nao me envi*|nao me contat*",
    fillers: "per|favore|grazie|por|favor|obrigado|obrigada|messaggi|mensagens|mi|me|da|lista|il|mio|numero|subito|adesso|ora|\
        tutto|tutti|i|piu|di|dalla|questi|sms|voglio|ciao|o|meu|essas|esses|os|as|eu|quero|ja|agora|isso|tudo|essa|mais|\
        desta|dessa|todas|email|gentileza",
};

const POLISH_AND_TURKISH: Words = Words {
    refusals: "stop|rezygnuję|rezygnuje|wypisz|wypisać|wypisac|usuń|usun|iptal|wypisuje|wypisuję|wypiszcie|wypis|przestan|\
        przestancie|dosc|koniec|anuluj|rezygnacja|odmawiam|usuncie|zatrzymaj|dur|durdur|durdurun|dursun|kes|kesin|yeter|\
        sil|silin|cik|cikis|ret|vazgec|istemiyorum|birak|birakin|aboneliktencik",
    phrases: "nie piszcie|nie pisz|nie dzwońcie|proszę mnie wypisać|prosze mnie wypisac|wypisz mnie|wypiszcie mnie|\
        usuńcie mnie|nie jestem zainteresowany|nie jestem zainteresowana|mesaj atmayın|yazmayın|aramayın|\
        mesaj istemiyorum|abonelikten çık|nie pisac|nie dzwon|nie dzwonic|nie dzwoncie|nie kontaktujcie|nie kontaktuj|\
        nie kontaktowac|prosze nie pisac|prosze nie dzwonic|prosze sie nie kontaktowac|nie wysylajcie|nie wysylaj|\
        nie wysylac|nie przysylajcie|nie przysylac|nie zycze sobie|nie chce otrzymywac|nie chce wiecej|\
        nie chce dostawac|nie jestesmy zainteresowani|nie interesuje mnie|brak zainteresowania|przestancie pisac|\
        przestan pisac|przestancie dzwonic|przestan dzwonic|przestancie wysylac|przestan wysylac|przestan do mnie|\
        przestancie do mnie|dajcie mi spokoj|daj mi spokoj|zostawcie mnie w spokoju|zostaw mnie w spokoju|usuncie moj|\
        usun moj|usun mnie|mnie usunac|usunac mnie|usunac moj*|usuncie moje|usun moje|wykreslcie mnie|wykresl mnie|zly numer|to pomylka|niewlasciwa osoba|\
        cofam zgode|wycofuje zgode|chce sie wypisac|wypisac sie|koniec sms|mesaj gondermeyin|mesaj gonderme|mesaj atma|\
        mesaj atmayin|mesaj yazma|sms gondermeyin|sms atmayin|bana yazma|bana yazmayin|bana mesaj|beni arama|\
        beni aramayin|beni rahat birakin|beni rahat birak|beni rahatsiz etmeyin|rahatsiz etmeyin|rahatsiz etme|\
        bir daha arama|bir daha aramayin|bir daha yazma|bir daha yazmayin|artik yazmayin|artik aramayin|\
        almak istemiyorum|aranmak istemiyorum|iletisim istemiyorum|iletisime gecmeyin|listeden cik|listeden cikar|\
        listeden cikarin|beni listeden|beni cikarin|beni cikar|beni sil|beni silin|numarami sil|numarami silin|\
        verilerimi silin|yanlis numara|yanlis kisi|ilgilenmiyorum|ilgimi cekmiyor|aboneligi iptal|aboneligimi iptal|\
        abonelikten cik|abonelikten cikmak|odpisz mnie",
    fillers: "proszę|prosze|mnie|dziękuję|lütfen|teşekkürler|mesaj|sie|z|listy|juz|natychmiast|sms|y|smsy|wiadomosci|te|to|\
        tej|chce|lutfen|artik|mesaji|mesajlari|tesekkurler|beni|benim|bu|hemen|et|edin|listeden|abonelik|aboneligi|tamam",
};

/// Dutch, Swedish, Norwegian, Danish, Finnish, Hungarian and their neighbours.
const NORTHERN: Words = Words {
    refusals: "afmelden|uitschrijven|uitschrijf|stoppen|stopzetten|opzeggen|verwijder|verwijderen|ophouden|afgemeld|\
        avregistrera|avsluta|avanmal|avanmäl|avanmalan|sluta|stopp|stoppa|avbryt|avbestall|avprenumerera|tabort|avmeld|\
        avslutt|avbestill|avslutte|slutt|afmeld|afmelding|framelding|frameld|afslut|ophor|avmelding|lopeta|peruuta|\
        poista|lopettakaa|lopettaa|eroa|peruutus|hagykabeken|leiratkozas|leiratkozom|leiratkozni|leiratkozok|torles|\
        torolj|toroljenek|lemondas|stop|hetta|haetta|loobun|lopp|beigt|atteikties|atrakstities|atsisakau|atsisakyti",
    phrases: "avsluta prenumeration*|avsluta min|geen berichten meer|geen sms meer|geen sms jes meer|geen mails meer|geen e mails meer|geen reclame|\
        geen interesse|niet geinteresseerd|stuur me niet|stuur mij niet|stuur geen|bel me niet|bel mij niet|bel niet|\
        app me niet|mail me niet|schrijf me niet|niet bellen|niet mailen|niet contacteren|neem geen contact|\
        geen contact|contacteer me niet|laat me met rust|laat mij met rust|haal me van|haal mij van|haal me uit|\
        schrijf me uit|schrijf mij uit|meld me af|meld mij af|wil me afmelden|wil mij afmelden|wil me uitschrijven|\
        verwijder mij|verwijder me|verwijder mijn|hou op met|houd op met|stop met|verkeerd nummer|verkeerde persoon|\
        verkeerd verbonden|trek mijn toestemming|inga fler|skicka inte|skicka inga|skriv inte|ring inte|ring mig inte|\
        kontakta mig inte|kontakta inte|messa inte|smsa inte|mejla inte|maila inte|sluta skicka|sluta ringa|\
        sluta skriva|sluta messa|sluta kontakta|sluta mejla|sluta maila|sluta smsa|lamna mig ifred|lamna mig i fred|\
        lat mig vara|ta bort mig|ta bort mitt|radera mig|radera mitt|radera mina|avregistrera mig|avanmal mig|\
        inte intresserad|ej intresserad|fel nummer|fel person|ikke flere|ikke send|ikke skriv|ikke ring|ikke kontakt|\
        ikke kontakte|send ikke|skriv ikke|ring ikke|kontakt meg ikke|kontakt mig ikke|slutt a sende|slutt a ringe|\
        slutt a skrive|slut med at|hold op med|stop med at|meld meg av|meld mig af|frameld mig|afmeld mig|fjern meg|\
        fjern mig|slett meg|slet mig|slett mine|slet mine|la meg vaere|la meg vare|lad mig vaere|lad mig vare|\
        la meg i fred|lad mig i fred|ikke interessert|ikke interesseret|feil nummer|forkert nummer|feil person|\
        forkert person|ei enaa|alkaa lahettako|ala laheta|alkaa soittako|ala soita|alkaa kirjoittako|ala kirjoita|\
        alkaa ottako|ala ota yhteytta|lopettakaa|lopeta viesti*|poista minut|poistakaa minut|poista numeroni|\
        poistakaa numeroni|en ole kiinnostunut|ei kiinnosta|jattakaa minut rauhaan|jata minut rauhaan|vaara numero|\
        vaara henkilo|ne irj*|ne kuldj*|ne hivj*|ne keress*|ne zavarj*|ne zaklas*|nem kerek tobb*|nem kerem|\
        nem szeretnek kapni|nem szeretnek tobb*|nem erdekel|hagyjanak beken|hagyj beken|toroljenek a|torolj a|\
        toroljek a|vegyenek le|le akarok iratkozni|szeretnek leiratkozni|rossz szam|teves szam|teves hivas|meld af|\
        ta bort|meld av|niet meer sms*|niet meer bel*|niet meer mail*|niet meer stur*|niet meer contact*|\
        niet meer benader*|niet meer app*|niet meer ontvang*|niet meer schrij*|en halua viest*|en halua saada|\
        en halua vastaanottaa|en halua etta|onsker ikke a motta|onsker ikke flere|onsker ikke at modtage|\
        vill inte ha fler|vill inte ha sms|vill inte ha mejl|vill inte bli kontaktad|vill inte langre|hou op|houd op|\
        hou daarmee op",
    fillers: "aub|alstublieft|alsjeblieft|graag|mij|me|van|de|het|deze|lijst|berichten|dank|bedankt|nu|direct|wil|ik|tack|\
        snalla|mig|mina|alla|genast|jag|vill|fran|listan|takk|vennligst|meg|fra|listen|alle|jeg|vil|venligst|tak|kiitos|\
        minut|heti|haluan|listalta|viestit|kerem|koszonom|kerek|azonnal|a|az|uzenetek|sms|smsar|smser",
};

/// Romanian, Czech, Slovak, Croatian, Serbian, Bulgarian, Indonesian, Malay, Vietnamese, Tagalog, Swahili.
const EASTERN: Words = Words {
    refusals: "dezabonare|dezabonati|dezaboneaza|dezabonez|dezabonat|opriti|opreste|oprire|anulare|anulati|anuleaza|renunt|\
        sterge|stergeti|incetati|odhlasit|odhlaste|odhlasuji|odhlas|odhlasujem|odhlasenie|odhlaseni|zrusit|zruste|zrus|\
        ukoncit|ukoncete|prestan|prestante|prestat|stacilo|stop|vymazat|vymazte|vymaz|smazat|smazte|odjava|odjavi|\
        odjavite|odjavljujem|prekini|prekinite|prestani|prestanite|dosta|otkazi|otkazite|obrisi|obrisite|odstrani|\
        odstranite|одјава|одјави|престани|престаните|доста|откажи|отпиши|отпишете|отписване|отписвам|спри|спрете|стига|\
        откажете|премахнете|изтрийте|прекратете|престанете|lopeta|lopetage|lopetada|atsisakyti|atsisakau|atrakstities|berhenti|hentikan|batal|keluar|henti|cukup|hapus|huy|ngung|thoi|xoa|\
        tigil|tumigil|itigil|ayoko|hinto|sitisha",
    phrases: "nu ma contactati|nu ma contacta|nu ma sunati|nu ma suna|nu imi scrieti|nu imi scrie|nu imi trimiteti|\
        nu imi trimite|nu trimiteti|nu scrieti|nu sunati|nu doresc|nu vreau sa primesc|nu vreau mesaje|nu vreau sa fiu|\
        nu sunt interesat|nu sunt interesata|nu ma intereseaza|incetati sa|inceteaza sa|opriti mesajele|\
        opreste mesajele|lasati ma in pace|lasa ma in pace|stergeti ma|sterge ma|stergeti numarul|sterge numarul|\
        stergeti datele|scoateti ma|scoate ma|dezabonati ma|dezaboneaza ma|vreau sa ma dezabonez|doresc sa ma dezabonez|\
        numar gresit|persoana gresita|ati gresit numarul|uz nepiste|nepiste mi|nepiste|nepis mi|nepis uz|nevolejte|\
        nevolej mi|uz nevolejte|neposilejte|neposilej mi|nekontaktujte|nekontaktuj|neobtezujte|neotravujte|\
        nechci dostavat|nechci uz|nechci zadne|nechci odebirat|nemam zajem|nezajima me|prestante psat|prestante volat|\
        prestante posilat|prestan psat|prestan volat|prestan mi|prestante mi|nechte me|nech me byt|dejte mi pokoj|\
        dej mi pokoj|odhlaste me|odhlas me|chci se odhlasit|odhlasit se|smazte me|smazte moje|vymazte me|vyradte me|\
        vyskrtnete me|spatne cislo|spatny clovek|omyl cislo|nepisete|nevolajte|nevolaj mi|uz nevolajte|neposielajte|\
        neposielaj mi|nechcem dostavat|nechcem uz|nechcem ziadne|nemam zaujem|nezaujima ma|prestante pisat|\
        prestante posielat|prestan pisat|nechajte ma|dajte mi pokoj|odhlaste ma|chcem sa odhlasit|vymazte ma|\
        vymazte moje|zle cislo|ne pisite|ne pisi mi|ne pisi vise|ne zovite|ne zovi me|ne zovi vise|nemojte pisati|\
        nemojte zvati|nemojte vise|nemojte me|nemoj me|nemoj vise|ne saljite|ne salji mi|ne kontaktirajte|ne zelim|\
        ne zanima me|nisam zainteresiran*|prestanite*|ostavite me|ostavi me na miru|pustite me na miru|obrisite moj*|\
        obrisite me|odjavite me|odjavi me|uklonite me|pogresan broj|krivi broj|не пишите|не зовите|не шаљите|\
        не контактирајте|не желим|не занима ме|оставите ме|не ми пишете|не ми пиши|не ми звънете|не ми се обаждайте|\
        не ме търсете|не ме безпокойте|не ме занимавайте|не желая|не искам да получавам|не искам повече|\
        не се интересувам|не ме интересува|спрете да|спри да|оставете ме|махнете ме|премахнете ме|изтрийте ме|\
        изтрийте номера|отпишете ме|искам да се отпиша|грешен номер|грешка в номера|berhenti|jangan hubungi|\
        jangan kirim|jangan telepon|jangan menelepon|jangan sms|jangan wa|jangan email|jangan ganggu|jangan menghubungi|\
        jangan mengirim|tidak tertarik|tak berminat|tidak berminat|gak tertarik|tidak ingin menerima|stop kirim|\
        stop hubungi|stop sms|stop telepon|hentikan*|hapus nomor*|hapus data*|hapus saya|keluarkan saya|salah sambung|\
        salah nombor|salah orang|nomor salah|batal langganan|berhenti berlangganan|dung nhan|dung goi|dung gui|\
        dung lien lac|dung lien he|dung lam phien|khong muon nhan|khong quan tam|khong co nhu cau|ngung nhan|ngung gui|\
        ngung goi|huy dang ky|huy nhan|tu choi nhan|xoa so|xoa ten|nham so|sai so|sai nguoi|hay ngung|huwag niyo|\
        huwag mo|huwag nang|tigilan*|wag na|ayoko na|hindi interesado|di interesado|usitume|msitume|acha kunitumia|\
        dung lai|tu choi|tidak mau lagi|tidak mau menerima|nu mai trimite*|nu mai suna*|nu mai contacta*|nu mai scrie*|\
        nu mai vreau|nu mai primesc|nu mai doresc|nu mai deranja*|nu imi mai trimite*|nu imi mai scrie*|nu ma mai suna*|\
        nu ma mai contacta*|nu ma mai deranja*|nemojte mi|nemoj mi|престанете да|престани да|nerasyk*|neskambin*|nesiusk*|nebesiusk*|nerakst*|nezvan*|nesut*|\
        ara kirjuta|ara helista|ara saada|arge kirjutage|arge helistage|arge saatke|usinitumie|usinipigie|msinipigie",
    fillers: "palun|va|rog|te|multumesc|mesaje|mesajele|acum|imediat|ma|de|pe|la|lista|vreau|doresc|sa|toate|prosim|vas|dekuji|diky|\
        dakujem|me|mne|hned|zpravy|spravy|z|ze|od|vsechno|vsetko|chci|chcem|molim|hvala|mi|odmah|poruke|vise|liste|iz|\
        zelim|моля|благодаря|ме|от|веднага|съобщения|списъка|молим|хвала|tolong|mohon|saya|sms|ini|pesan|terima|kasih|\
        mau|ingin|xin|vui|long|toi|tin|nhan|cam|on",
};

/// Words of languages with letters of their own, and what carriers there take.
const OTHERS: Words = Words {
    refusals: "στοπ|διαγραφη|διακοπη|ακυρωση|ακυρωστε|σταματηστε|σταματα|σταματησε|διαγραψτε|διεγραψε|φτανει|αρκετα|απεγγραφη|\
        הסר|הסירו|הסרה|להסיר|עצור|עצרו|די|מספיק|הפסק|הפסיקו|תפסיקו|ביטול|בטל|בטלו|מחקו|מחק|توقف|توقفوا|قف|وقف|اوقف|\
        إلغاء|الغاء|الغ|ألغ|إيقاف|ايقاف|أوقف|أوقفوا|اوقفوا|كفى|كفاية|خلاص|بس|حذف|احذف|احذفوا|احذفني|لغو|انصراف|قطع|بسه|\
        حذفم|कैंसिल|स्टॉप|रोको|रोकें|रुको|रुकें|रोकिए|हटाओ|हटाएं|हटाएँ|रद्द|退订|退訂|取消订阅|取消訂閱|停止|配信停止|解除|解约|取消|拒收|拒绝|拒絕|停|\
        别发了|不要发了|退出|不要|中止|停止希望|登録解除|解約|退会|キャンセル|やめて|やめろ|ストップ|수신거부|구독취소|해지|취소|중지|중단|거부|그만|스톱|차단|ยกเลิก|หยุด|พอ|เลิก|\
        สต็อป|ออก|স্টপ|বন্ধ|বাতিল|நிறுத்து|ఆపు",
    phrases: "μη μου στελνετε|μην μου στελνετε|μη μου στελνεις|μην στελνετε|μη στελνετε|μη με ενοχλειτε|μην με ενοχλειτε|\
        μη με παιρνετε|μην καλειτε|μη με καλειτε|μην με καλειτε|μη με ξανα*|μην με ξανα*|μη μου ξανα*|μην μου ξανα*|μη μου γραφετε|μην μου γραφετε|μην επικοινωνειτε|\
        μη επικοινωνειτε|μην ξαναστειλετε|δεν θελω αλλα|δεν θελω να λαμβανω|δεν επιθυμω|δεν με ενδιαφερει|\
        δεν ενδιαφερομαι|σταματηστε να|σταματα να|διαγραψτε με|διαγραψτε το|διαγραψε με|αφηστε με ησυχο|αφηστε με ησυχη|\
        λαθος αριθμος|λαθος ατομο|אל תשלחו|אל תשלח|לא לשלוח|אל תתקשרו|אל תתקשר|לא להתקשר|אל תפנו|אל תיצרו קשר|\
        תפסיקו לשלוח|תפסיק לשלוח|הפסיקו לשלוח|להפסיק לשלוח|תפסיקו להתקשר|הסר אותי|הסירו אותי|תסירו אותי|להסיר אותי|\
        תמחקו אותי|מחקו אותי|תורידו אותי|עזבו אותי|תעזבו אותי|לא מעוניין|לא מעוניינת|לא מעונין|לא מעונינת|לא רוצה לקבל|\
        לא מעניין אותי|טעות במספר|מספר שגוי|لا ترسل|لا ترسلوا|لا ترسلو|لا تتصل|لا تتصلوا|لا تتصلو|لا تراسلني|\
        لا تراسلوني|لا تكلمني|لا تتواصل|لا تتواصلوا|لا تزعجني|لا تزعجوني|لا اريد|لا أريد|لا أرغب|لا ارغب|ما ابغى|ما ابي|\
        مش عايز|مش عاوز|غير مهتم|غير مهتمة|لست مهتما|لست مهتم|لست مهتمة|مو مهتم|توقف عن|توقفوا عن|اوقف الرسائل|\
        أوقف الرسائل|ايقاف الرسائل|إيقاف الرسائل|الغاء الاشتراك|إلغاء الاشتراك|احذف رقمي|احذفوا رقمي|امسح رقمي|\
        امسحوا رقمي|رقم خاطئ|الرقم خطأ|الرقم غلط|رقم غلط|اتركني وشأني|اتركوني|پیام ندهید|پیام نده|زنگ نزنید|زنگ نزن|\
        تماس نگیرید|مزاحم نشوید|نمی خواهم|نمیخواهم|نمیخوام|علاقه ندارم|شماره اشتباه|لغو اشتراک|لغو عضویت|मत भेजो|\
        मत भेजें|मत भेजिए|ना भेजें|न भेजें|मत करो|मत करें|मत कीजिए|कॉल मत|मैसेज मत|फोन मत|फ़ोन मत|बंद करो|बंद करें|\
        बंद कीजिए|नहीं चाहिए|দেবেন না|দিবেন না|পাঠাবেন না|পাঠিও না|কল করবেন না|रुचि नहीं|गलत नंबर|ग़लत नंबर|नंबर हटा*|보내지 마*|보내지마*|연락하지 마*|연락하지마*|전화하지 마*|전화하지마*|문자하지 마*|\
        문자하지마*|문자 보내지*|그만 보내*|그만 연락*|그만 하세요|그만하세요|연락 그만|문자 그만|관심 없*|관심없*|삭제해 주세요|탈퇴*|잘못 보내*|번호 잘못*",
    fillers: "παρακαλω|σας|με|μου|τα|μηνυματα|ευχαριστω|τωρα|בבקשה|אותי|תודה|עכשיו|מהרשימה|לי|הודעות|מיד|من|فضلك|لو|سمحت|\
        الرسائل|رسائل|شكرا|الآن|فورا|رجاء|ارجوك|لطفا|ممنون|कृपया|मुझे|प्लीज|संदेश|मैसेज|करो|करें|请|請|谢谢|してください|ください|\
        お願いします|주세요|해주세요|해|부탁합니다|합니다|ครับ|ค่ะ|คะ|ด้วย|ที|กรุณา|เถอะ",
};

/// All of them.
pub(super) const LANGUAGES: [&Words; 11] = [
    &ENGLISH,
    &GERMAN,
    &RUSSIAN,
    &UKRAINIAN,
    &SPANISH,
    &FRENCH,
    &ITALIAN_AND_PORTUGUESE,
    &POLISH_AND_TURKISH,
    &NORTHERN,
    &EASTERN,
    &OTHERS,
];

/// What refuses in languages that put no blank between words, wherever it stands.
pub(super) const UNBROKEN: &str = "不要再发|别再发|不要再發|別再發|不要给我发|别给我发|不要發|请勿发送|請勿發送|请勿联系|請勿聯絡|不要联系|不要聯絡|\
    别联系|別聯絡|不要再打|别再打|別再打|不要打电话|不要打電話|别打电话|退订|退訂|取消订阅|取消訂閱|停止发送|停止發送|停止联系|拒收|\
    打错了|发错人|打錯了|不感兴趣|不感興趣|没兴趣|沒興趣|送らないで|送信しないで|送信停止|配信停止|配信を停止|配信解除|連絡しないで|\
    電話しないで|メールしないで|やめてください|止めてください|興味がありません|興味ありません|登録を解除|間違い電話|番号違い|수신거부|수신을거부|\
    문자보내지|보내지마|연락하지마|전화하지마|구독취소|อย่าส่ง|อย่าโทร|อย่าติดต่อ|หยุดส่ง|หยุดโทร|ไม่ต้องส่ง|ไม่ต้องโทร|เลิกส่ง|เลิกโทร|\
    ไม่สนใจ|ยกเลิกการรับ|ยกเลิกข้อความ|โทรผิด";
/// What makes the opposite of it, where it stands before it.
pub(super) const UNBROKEN_NEGATIONS: &str = "不要|不想|别|別|不|ไม่|อย่า";
