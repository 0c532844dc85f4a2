//! What the page of the link that ends all emails says, and that of a link to nothing, in the languages that leads read.

/// What the pages say, in one language.
#[derive(Debug)]
pub(crate) struct Texts {
    /// As BCP 47 calls it.
    pub language: &'static str,
    pub title: &'static str,
    pub question: &'static str,
    pub button: &'static str,
    pub done: &'static str,
    /// The way back.
    pub back: &'static str,
    /// The link is of an earlier version, and its lead is gone.
    pub forgotten: &'static str,
    /// The link is none of ours: most often a part of it only.
    pub unknown: &'static str,
    /// It could not be done now.
    pub later: &'static str,
    /// Of other links: there is nothing behind it.
    pub nowhere: &'static str,
    /// Of other links: nobody can say now where they lead.
    pub away: &'static str,
}

impl Texts {
    /// The texts for a language tag, if there are any.
    fn of(tag: &str) -> Option<&'static Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        ALL.iter().find(|texts| texts.language.eq_ignore_ascii_case(primary))
    }

    /// The texts that the reader's browser asks for most, else those for the lead's language, else English.
    pub(crate) fn wanted(accepted: &str, lead: Option<&str>) -> &'static Self {
        let mut wanted: Vec<(f32, &'static Self)> = accepted
            .split(',')
            .filter_map(|part| {
                let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
                let weight = rest.trim().strip_prefix("q=").map_or(Ok(1.0), |weight| weight.trim().parse());
                Some((weight.ok().filter(|weight| *weight > 0.0)?, Self::of(tag)?))
            })
            .collect();
        // A stable sort: of two that are wanted as much the first one counts.
        wanted.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        wanted.first().map(|(_, texts)| *texts).or_else(|| lead.and_then(Self::of)).unwrap_or(&ALL[0])
    }
}

/// All of them, English first.
const ALL: [Texts; 10] = [
    Texts {
        language: "en",
        title: "Unsubscribe",
        question: "Do you want to get no more emails from us?",
        button: "Yes, unsubscribe me",
        done: "You will get no more emails from us.",
        back: "Was that a mistake? Answer one of our emails, and we will write to you again.",
        forgotten: "We no longer know the address that this link belongs to, so we can't unsubscribe it here. If you still get \
            emails from us, please use the link in the latest one, or answer it.",
        unknown: "This link is not whole. Please open the link in the email itself, or copy all of it.",
        later: "That did not work just now, and you are not unsubscribed yet. Please try again in a few minutes.",
        nowhere: "This link leads nowhere, or no longer. Please copy all of it, or ask whoever sent it to you.",
        away: "That did not work just now. Please try again in a minute.",
    },
    Texts {
        language: "ru",
        title: "Отписка",
        question: "Вы хотите больше не получать от нас писем?",
        button: "Да, отписаться",
        done: "Вы больше не будете получать от нас писем.",
        back: "Это ошибка? Ответьте на одно из наших писем, и мы снова будем вам писать.",
        forgotten: "Мы больше не знаем, какому адресу принадлежит эта ссылка, и не можем отписать его здесь. Если письма всё ещё \
            приходят, воспользуйтесь ссылкой в последнем из них или ответьте на него.",
        unknown: "Ссылка неполная. Откройте её прямо из письма или скопируйте целиком.",
        later: "Сейчас не получилось, и вы ещё не отписаны. Попробуйте снова через несколько минут.",
        nowhere: "Эта ссылка никуда не ведёт или больше не действует. Скопируйте её целиком или спросите того, кто её прислал.",
        away: "Сейчас не получилось. Попробуйте снова через минуту.",
    },
    Texts {
        language: "de",
        title: "Abmelden",
        question: "Möchten Sie keine E-Mails mehr von uns erhalten?",
        button: "Ja, bitte abmelden",
        done: "Sie erhalten keine E-Mails mehr von uns.",
        back: "War das ein Versehen? Antworten Sie auf eine unserer E-Mails, dann schreiben wir Ihnen wieder.",
        forgotten: "Wir wissen nicht mehr, zu welcher Adresse dieser Link gehört, und können sie hier nicht abmelden. Wenn Sie noch \
            E-Mails von uns erhalten, nutzen Sie bitte den Link in der neuesten, oder antworten Sie darauf.",
        unknown: "Dieser Link ist nicht vollständig. Bitte öffnen Sie ihn in der E-Mail selbst, oder kopieren Sie ihn ganz.",
        later: "Das hat gerade nicht geklappt, und Sie sind noch nicht abgemeldet. Bitte versuchen Sie es in einigen Minuten noch einmal.",
        nowhere: "Dieser Link führt nirgendwohin, oder nicht mehr. Bitte kopieren Sie ihn ganz, oder fragen Sie, wer ihn geschickt hat.",
        away: "Das hat gerade nicht geklappt. Bitte versuchen Sie es in einer Minute noch einmal.",
    },
    Texts {
        language: "es",
        title: "Cancelar la suscripción",
        question: "¿No quiere recibir más correos nuestros?",
        button: "Sí, cancelar la suscripción",
        done: "No recibirá más correos nuestros.",
        back: "¿Ha sido un error? Responda a uno de nuestros correos y volveremos a escribirle.",
        forgotten: "Ya no sabemos a qué dirección pertenece este enlace y no podemos darla de baja aquí. Si sigue recibiendo correos \
            nuestros, use el enlace del último o respóndalo.",
        unknown: "El enlace está incompleto. Ábralo desde el propio correo o cópielo entero.",
        later: "Ahora no ha funcionado y su suscripción sigue activa. Inténtelo de nuevo en unos minutos.",
        nowhere: "Este enlace no lleva a ninguna parte, o ya no. Cópielo entero o pregunte a quien se lo envió.",
        away: "Ahora no ha funcionado. Inténtelo de nuevo en un minuto.",
    },
    Texts {
        language: "fr",
        title: "Se désabonner",
        question: "Voulez-vous ne plus recevoir d’e-mails de notre part ?",
        button: "Oui, me désabonner",
        done: "Vous ne recevrez plus d’e-mails de notre part.",
        back: "C’était une erreur ? Répondez à l’un de nos e-mails et nous vous écrirons de nouveau.",
        forgotten: "Nous ne savons plus à quelle adresse appartient ce lien et ne pouvons pas la désabonner ici. Si vous recevez \
            encore nos e-mails, utilisez le lien du dernier ou répondez-y.",
        unknown: "Ce lien est incomplet. Ouvrez-le depuis l’e-mail lui-même ou copiez-le en entier.",
        later: "Cela n’a pas fonctionné et vous n’êtes pas encore désabonné. Réessayez dans quelques minutes.",
        nowhere: "Ce lien ne mène nulle part, ou plus. Copiez-le en entier ou demandez à la personne qui vous l’a envoyé.",
        away: "Cela n’a pas fonctionné. Veuillez réessayer dans une minute.",
    },
    Texts {
        language: "pt",
        title: "Cancelar a assinatura",
        question: "Quer deixar de receber os nossos e-mails?",
        button: "Sim, cancelar a assinatura",
        done: "Não receberá mais e-mails nossos.",
        back: "Foi engano? Responda a um dos nossos e-mails e voltaremos a escrever.",
        forgotten: "Já não sabemos a que endereço pertence este link e não podemos removê-lo aqui. Se ainda receber os nossos \
            e-mails, use o link do mais recente ou responda-o.",
        unknown: "Este link está incompleto. Abra-o a partir do próprio e-mail ou copie-o inteiro.",
        later: "Não funcionou agora, e a sua assinatura continua ativa. Tente de novo dentro de alguns minutos.",
        nowhere: "Este link não leva a lugar nenhum, ou já não leva. Copie-o inteiro ou pergunte a quem o enviou.",
        away: "Não funcionou agora. Tente novamente dentro de um minuto.",
    },
    Texts {
        language: "it",
        title: "Annulla l’iscrizione",
        question: "Non vuole più ricevere le nostre e-mail?",
        button: "Sì, annulla l’iscrizione",
        done: "Non riceverà più le nostre e-mail.",
        back: "È stato un errore? Risponda a una delle nostre e-mail e torneremo a scriverle.",
        forgotten: "Non sappiamo più a quale indirizzo appartiene questo link e non possiamo rimuoverlo qui. Se riceve ancora le \
            nostre e-mail, usi il link dell’ultima o vi risponda.",
        unknown: "Il link è incompleto. Lo apra dall’e-mail stessa o lo copi per intero.",
        later: "Ora non ha funzionato e la sua iscrizione è ancora attiva. Riprovi fra qualche minuto.",
        nowhere: "Questo link non porta da nessuna parte, o non più. Lo copi per intero o chieda a chi lo ha inviato.",
        away: "Ora non ha funzionato. Riprovi tra un minuto.",
    },
    Texts {
        language: "uk",
        title: "Відписка",
        question: "Ви хочете більше не отримувати від нас листів?",
        button: "Так, відписатися",
        done: "Ви більше не отримуватимете від нас листів.",
        back: "Це помилка? Дайте відповідь на один із наших листів, і ми знову будемо вам писати.",
        forgotten: "Ми більше не знаємо, якій адресі належить це посилання, і не можемо відписати її тут. Якщо листи ще надходять, \
            скористайтеся посиланням в останньому з них або дайте на нього відповідь.",
        unknown: "Посилання неповне. Відкрийте його просто з листа або скопіюйте повністю.",
        later: "Зараз не вийшло, і вас ще не відписано. Спробуйте знову за кілька хвилин.",
        nowhere: "Це посилання нікуди не веде або вже не діє. Скопіюйте його повністю або запитайте того, хто його надіслав.",
        away: "Зараз не вдалося. Спробуйте ще раз за хвилину.",
    },
    Texts {
        language: "pl",
        title: "Rezygnacja z wiadomości",
        question: "Czy nie chcesz już otrzymywać od nas e-maili?",
        button: "Tak, wypisz mnie",
        done: "Nie będziesz już otrzymywać od nas e-maili.",
        back: "To pomyłka? Odpowiedz na jeden z naszych e-maili, a znów będziemy pisać.",
        forgotten: "Nie wiemy już, do jakiego adresu należy ten link, i nie możemy go tutaj wypisać. Jeśli e-maile nadal przychodzą, \
            użyj linku w ostatnim z nich albo na niego odpowiedz.",
        unknown: "Link jest niepełny. Otwórz go z samego e-maila albo skopiuj w całości.",
        later: "Teraz się nie udało i nadal jesteś na liście. Spróbuj ponownie za kilka minut.",
        nowhere: "Ten link donikąd nie prowadzi albo już nie działa. Skopiuj go w całości lub zapytaj osobę, która go wysłała.",
        away: "Teraz się nie udało. Proszę spróbować ponownie za minutę.",
    },
    Texts {
        language: "tr",
        title: "Abonelikten çık",
        question: "Bizden artık e-posta almak istemiyor musunuz?",
        button: "Evet, abonelikten çıkar",
        done: "Bizden artık e-posta almayacaksınız.",
        back: "Yanlışlıkla mı oldu? E-postalarımızdan birini yanıtlayın, size yeniden yazalım.",
        forgotten: "Bu bağlantının hangi adrese ait olduğunu artık bilmiyoruz ve onu buradan çıkaramıyoruz. E-postalarımız hâlâ \
            geliyorsa en son e-postadaki bağlantıyı kullanın ya da onu yanıtlayın.",
        unknown: "Bu bağlantı eksik. E-postanın içinden açın ya da tamamını kopyalayın.",
        later: "Şu anda olmadı ve aboneliğiniz sürüyor. Birkaç dakika sonra yeniden deneyin.",
        nowhere: "Bu bağlantı hiçbir yere götürmüyor ya da artık geçerli değil. Tamamını kopyalayın ya da gönderene sorun.",
        away: "Şu anda olmadı. Lütfen bir dakika sonra yeniden deneyin.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_s_own_language_comes_before_the_lead_s() {
        for (accepted, lead, expected) in [
            ("", None, "en"),
            ("", Some("ru"), "ru"),
            ("", Some("ru-RU"), "ru"),
            ("", Some("pt_BR"), "pt"),
            ("", Some("fi"), "en"),
            ("ru-RU,ru;q=0.9,en-US;q=0.8", None, "ru"),
            ("en-US,en;q=0.9,ru;q=0.8", Some("ru"), "en"),
            ("fi, ru;q=0.5, en;q=0.4", None, "ru"),
            ("ru;q=0, en;q=0.1", None, "en"),
            ("fi-FI,fi", Some("de"), "de"),
            ("*", None, "en"),
            ("nonsense;;q", None, "en"),
        ] {
            assert_eq!(Texts::wanted(accepted, lead).language, expected, "{accepted} {lead:?}");
        }
    }
}
