// The words of the settings in Russian.

export const WORDS = {
  // Users
  Users: 'Пользователи',
  'Search by username': 'Поиск по имени',
  'New user': 'Новый пользователь',
  Role: 'Роль',
  'First password': 'Первый пароль',
  'At least 12 characters of any kind.': 'Не меньше 12 любых знаков.',
  'Make the user': 'Создать пользователя',
  '{name} can sign in now.': '{name} может войти.',
  reads: 'читает',
  'makes and sends': 'создаёт и отправляет',
  'may do everything': 'может всё',
  you: 'это вы',
  'signed in {time}': 'вход {time}',
  'never signed in': 'ещё не входил',
  'Role of {name}': 'Роль: {name}',
  '{name} is {role} now.': '{name}: теперь {role}.',
  'End the sessions, new password': 'Завершить сеансы, новый пароль',
  'New password': 'Новый пароль',
  'All sessions of this user end, and only the new password opens another.':
    'Все сеансы пользователя завершатся, войти можно будет только с новым паролем.',
  'Set it, and end all sessions': 'Задать и завершить все сеансы',
  'All sessions of {name} have ended.': 'Все сеансы завершены: {name}.',
  'Delete {name}': 'Удалить: {name}',
  'Delete {name}?': 'Удалить пользователя {name}?',
  'Sessions and tokens end, and nobody gets this name again. What was done stays under it.':
    'Сеансы и токены перестанут действовать, имя больше никому не достанется. Всё сделанное останется под ним.',
  'Delete the user': 'Удалить пользователя',

  // API tokens
  'API tokens': 'Токены API',
  'New token': 'Новый токен',
  'Name of the token': 'Название токена',
  'What it is for, such as “nightly import”.': 'Для чего он, например «ночная загрузка».',
  'What it may do': 'Что он может',
  'Good until': 'Действует до',
  'If you like: without a day it is good until it is revoked.': 'По желанию: без даты действует, пока не отозван.',
  'Make the token': 'Создать токен',
  'No token. A script that uses the API needs one.': 'Токенов нет. Токен нужен скрипту, который работает с API.',
  'This is the token “{name}”. Keep it now: it is never shown again.':
    'Это токен «{name}». Сохраните его сейчас: больше он не показывается.',
  Copy: 'Скопировать',
  'Copied.': 'Скопировано.',
  'I have it': 'Сохранено',
  Revoke: 'Отозвать',
  'Revoke “{name}”?': 'Отозвать «{name}»?',
  'Whatever uses it is refused from now on.': 'Всё, что им пользуется, получит отказ.',
  'Revoked.': 'Отозван.',
  'Revoke the token {name}': 'Отозвать токен {name}',
  'used {time}': 'использован {time}',
  'never used': 'не использовался',

  // One’s own
  'Your password': 'Ваш пароль',
  'Password until now': 'Прежний пароль',
  'Change the password': 'Сменить пароль',
  'The password is changed; all other sessions have ended.': 'Пароль изменён; остальные сеансы завершены.',
  'Your sessions': 'Ваши сеансы',
  'If you were signed in on a device that you don’t have any more. API tokens stay.':
    'Если вы входили на устройстве, которого больше нет. Токены API останутся.',
  'Sign out everywhere': 'Выйти везде',
  'Sign out everywhere?': 'Выйти везде?',
  'Whoever is signed in as you, on any device, has to sign in again; you too.':
    'На всех устройствах придётся войти заново, здесь тоже.',
  'You are signed out everywhere.': 'Вы вышли везде.',
};
