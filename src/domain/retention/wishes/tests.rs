//! What is a refusal and what is none.

use super::*;

#[test]
fn a_refusal_is_understood_in_any_plain_wording() {
    for body in "STOP|stop| Stop. |Stop!!!|S.T.O.P|STOP ALL|stopall|stop please|Please stop|pls stop|Stop texting me|\
        STOP SENDING ME MESSAGES|stop it|Stop now|stop, thanks|Stop please, I have a question|opt out|\
        opt-out|OPTOUT|Unsubscribe|Unsubscribe!|Unsubscribe me|unsubscribe please|remove me|\
        Remove me from your list|please remove my number|REMOVE|cancel|End|quit|revoke|don't text me|\
        Don’t contact me again|do not contact me|Do not call me anymore|leave me alone|\
        take me off your list|no more texts please|not interested|wrong number|I want to unsubscribe|\
        lose my number|СТОП|Стоп|стоп!|стоп пожалуйста|ОТПИСАТЬСЯ|отписаться|Отпишите меня|\
        отпишите меня пожалуйста|Хочу отписаться|не пишите мне больше|Не пишите|Больше не пишите мне|\
        удалите мой номер|хватит|Хватит спамить!|прекратите рассылку|не надо писать|отстаньте|\
        не беспокойте меня|не интересует|СТОП СМС|Всё, хватит|відписатися|не пишіть мені|Abmelden|\
        bitte abmelden|keine SMS mehr|Bitte keine Nachrichten mehr|stopp|Lasst mich in Ruhe|BAJA|\
        darme de baja|no me escriban más|basta|ARRÊT|désabonner|Arrêtez svp|me désabonner|\
        non scrivetemi più|Who is this? Stop texting me|How did you get my number? Do not contact me again|\
        Why do you keep texting? STOP|STOP at once!|Stop at this point please|I said stop|No, stop.|OMG stop|\
        I'm going to report you, stop|SТOP|ＳＴＯＰ|🛑|Unsubcribe|STPO|STOP2END|no more|I'm no longer interested|\
        take my number off|Delete my data|cease|Go away|Keine weiteren Nachrichten bitte|Не нужно мне писать|\
        Отвяжитесь|No quiero recibir mensajes|Não me mande mais mensagens|Plus de message svp|Afmelden|退订|停止|\
        수신거부|توقف|ΣΤΟΠ|odhlásit|BERHENTI|Stoppen aub|İptal|non scrivetemi più|sair|rezygnuję|wypisz mnie|iptal"
        .split('|')
    {
        assert_eq!(wish(body, None), Wish::Stop, "{body}");
    }
    assert_eq!(wish("whatever", Some("STOP")), Wish::Stop);
}

#[test]
fn what_is_not_a_refusal_is_for_a_person_to_read() {
    for body in "|help|HELP|ok|Thanks!|no|Hello, who is this?|When does the offer end?|I can't stop laughing|\
        What time do you stop working?|Can I cancel my order and get another size?|don't stop|\
        Please don't stop|My bus stop is close, see you at 5|How do I end my trial?|не понял|\
        Когда закончится акция?|Не останавливайтесь|Спасибо, интересно|Der Bus hält am Ende der Straße|\
        para qué es esto|I will call you at the end of the week|Send me the list please|text me later|\
        stop by at five|stop at the red light|nonstop flights please|the last stop, then left|\
        When does the offer stop? Tell me|no|Don't stop sending these!|please never stop texting me|не хочу отписаться|\
        stop over in Rome|is the subscription for me or for all of us"
        .split('|')
    {
        assert_eq!(wish(body, None), Wish::Talk, "{body}");
    }
    assert_eq!(wish("help", Some("HELP")), Wish::Talk);
}

#[test]
fn a_plain_yes_takes_a_refusal_back() {
    for body in ["START", "start", "Yes!", "UNSTOP", "да", "Старт", "opt in"] {
        assert_eq!(wish(body, None), Wish::Start, "{body}");
    }
    for body in ["yes but call me tomorrow", "yes please", "start when?"] {
        assert_eq!(wish(body, None), Wish::Talk, "{body}");
    }
}

#[test]
fn a_refusal_is_understood_however_it_was_typed() {
    for body in [
        "Can you stop?",
        "can you please stop texting",
        "dude stop",
        "Dude, STOP.",
        "bro just stop already",
        "you need to stop",
        "I want you to stop.",
        "Why don't you stop?",
        "How do I unsubscribe?",
        "ST0P",
        "5top",
        "$TOP",
        "stoooop",
        "STOPPPP!!",
        "sstop",
        "stop\ntexting me",
        "please do not\ncontact me",
        "please don't\r\ntext me again",
        "s\u{200b}t\u{200d}op",
        "don\u{200b}’t text me",
        "don‘t call",
        "donʼt write me",
        "don&#39;t email me",
        "ЅТОР",
        "🛑 texting me",
        "Nope stop",
        "make it stop",
        "I've asked you 3 times to stop",
        "u need 2 stop",
        "please cease all communication",
        "I don't want to hear from you",
        "CТОП",
        "да хватит уже",
        "no quiero",
        "Remove me\n\nSent from my iPhone",
        "cancel\nSent from my Galaxy",
        "STOP\n--\nAnn Smith\nHead of Something at Somewhere\nTel. +49 30 1234567",
        "I don't want any more of this. Leave me alone",
    ] {
        assert_eq!(wish(body, None), Wish::Stop, "{body}");
    }
}

#[test]
fn a_refusal_is_understood_in_many_languages() {
    let bodies = "Não me mande mensagens|não quero mais receber|PARE|Sair|Quero cancelar|me descadastre por favor|Pare de me ligar|\
        smettila di scrivermi|Non voglio più ricevere messaggi|cancellatemi|Basta|Non mi chiamate|non mi interessa|\
        Stop met sms'en|geen berichten meer|Bel me niet meer|afmelden aub|Ik wil me uitschrijven|Laat me met rust|\
        nie pisz do mnie więcej|Proszę nie dzwonić|Wypiszcie mnie|przestańcie pisać|Nie życzę sobie|\
        Lütfen bana yazmayın|beni aramayın|mesaj atma|İPTAL|listeden çıkar|Rahatsız etmeyin|istemiyorum|\
        не пишіть мені більше|припиніть писати|Видаліть мій номер|ВІДПИСАТИСЯ|не дзвоніть|\
        Už mi nepište|nevolejte mi|Nemám zájem|odhlásit|Přestaňte psát|\
        sluta skicka sms|Avregistrera mig|Ring inte mig|ta bort mig|\
        nu mă mai contactați|nu mai trimiteți mesaje|dezabonare|lăsați-mă în pace|\
        لا ترسل لي رسائل|توقف من فضلك|إلغاء الاشتراك|لا تتصل بي|\
        Jangan hubungi saya|berhenti kirim SMS|tidak tertarik|\
        Đừng nhắn tin nữa|dung goi cho toi|Huỷ đăng ký|\
        ikke ring meg|Avmeld meg|Hold op med at skrive|Älkää soittako|Ne írjon többet|ne hívjanak|\
        μη μου στέλνετε|Σταματήστε|διαγραφή|אל תשלחו לי|הסירו אותי|मत भेजो|कॉल मत करो|\
        请不要再发短信给我|我要退订|もう送らないでください|연락하지 마세요|อย่าส่งข้อความมาอีก|\
        ne pišite mi više|Nemojte me zvati|Не ми пишете повече|Отпишете ме|Arrêtez de m'écrire|Ne m'appelez pas|\
        Rufen Sie mich nicht an|Hören Sie auf|dejen de escribirme|No me llamen más|nepíšte mi|پیام ندهید"
        .split('|');
    let missed: Vec<&str> = bodies.filter(|body| wish(body, None) != Wish::Stop).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn a_refusal_is_understood_that_is_short_loud_or_about_a_list() {
    let bodies = "Schreiben Sie mir bitte nicht mehr|Hiermit widerrufe ich meine Einwilligung|enough with the texts|\
        Leave me the hell alone|leave me the fuck alone|F off|Get lost|she is deceased, please remove|DND|dont msg me|dnt txt me|stahp|\
        Please exclude me|Veuillez me retirer de votre liste|dejadme en paz|Идите на хуй|заебали|достали уже|\
        я против рассылки|спам|Proszę mnie usunąć z listy|Avsluta prenumerationen|Μην με ξαναενοχλήσετε|\
        Престанете да ми пишете|Nemojte mi više slati poruke|Nerašykite man|Lõpetage palun|আর মেসেজ দেবেন না|\
        Usinitumie tena ujumbe|🖕|Reply STOP|Not intrested|I have no interest|Please leave me off your mailing list|\
        Strike me from your list|Spam! reported|BLOCKED|I'm blocking you|You're blocked|report spam"
        .split('|');
    let missed: Vec<&str> = bodies.filter(|body| wish(body, None) != Wish::Stop).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    for body in [
        "Почему вы не звоните?",
        "what the hell is this",
        "I want one from your list",
        "Your mail was in my spam folder",
    ] {
        assert_eq!(wish(body, None), Wish::Talk, "{body}");
    }
}

#[test]
fn what_only_has_such_words_in_it_stops_nothing() {
    for body in [
        "My friend said stop by",
        "Please stop by tomorrow",
        "Can you stop by at five?",
        "Go away for the weekend?",
        "I go away next week, call me after",
        "I do not want you to stop texting me",
        "I don't want you to stop",
        "Don't stop",
        "don’t stop",
        "Please do not ever stop",
        "I would never ask you to stop",
        "unstoppable",
        "bus stop",
        "Where is the bus stop?",
        "I get off at the next stop",
        "non-stop",
        "He couldn't stop smiling",
        "I stopped at the shop, all good",
        "don't forget me!",
        "Don't remove me from the list",
        "please don't unsubscribe me",
        "Can I withdraw my money?",
        "You did not call me back",
        "Por fin!",
        "Para mí",
        "No quiero cancelar",
        "Ich möchte nicht abmelden, nur fragen",
        "не хочу отписаться",
        "quando chega?",
        "nie rezygnuję",
        "我不想退订",
        "Is this the endpoint?",
        "Can you call me tomorrow?",
        "Text me when it starts",
        "Yes, contact me by email",
        "seis",
        "The rain won't stop",
        "Does the train stop there?",
        "He said to stop at the bakery",
        "I don't text while driving",
        "You stopped texting me",
        "please do not hesitate to call",
        "quit smoking tips?",
        "Please cancel my order",
        "no quiero darme de baja",
        "Je ne veux pas me désabonner",
    ] {
        assert_eq!(wish(body, None), Wish::Talk, "{body}");
    }
}

#[test]
fn a_refusal_is_about_the_way_that_it_came_by_and_those_that_it_names() {
    use ContactChannel::{Call, Email, Sms, Telegram, Webhook};
    let all = vec![Email, Sms, Call, Webhook, Telegram];
    for (body, came_by, refused) in [
        ("STOP", Sms, vec![Sms]),
        ("Unsubscribe", Email, vec![Email]),
        ("stop please", Call, vec![Call]),
        ("Don't call me", Sms, vec![Sms, Call]),
        ("Do not call or text me", Email, vec![Email, Sms, Call]),
        ("stop emailing me", Sms, vec![Email, Sms]),
        ("не звоните мне", Sms, vec![Sms, Call]),
        ("Rufen Sie mich nicht an", Email, vec![Email, Call]),
        ("no me llamen", Sms, vec![Sms, Call]),
        ("wrong number", Email, vec![Email, Sms, Call]),
        ("do not write to me on Telegram", Email, vec![Email, Telegram]),
        ("do not contact me in any way", Sms, all.clone()),
        ("Never contact me again", Email, all.clone()),
        ("Do not text me, call me or contact me in any form", Sms, all.clone()),
        ("Delete my data", Sms, all.clone()),
        ("Leave me alone!", Sms, all.clone()),
        ("kontaktieren Sie mich nicht mehr, nicht mehr kontaktieren", Email, all.clone()),
        ("не связывайтесь со мной", Sms, all),
        ("do not contact me by phone", Sms, vec![Sms, Call]),
        ("Don't call me, just text", Sms, vec![Call]),
        ("Text me, don't call", Sms, vec![Call]),
        ("stop texting me, email me instead", Sms, vec![Sms]),
        ("STOP. My mail is full anyway.", Sms, vec![Sms]),
        ("Call me tomorrow", Sms, vec![]),
        ("", Email, vec![]),
    ] {
        assert_eq!(refused_by(body, came_by), refused, "{body}");
    }
}
