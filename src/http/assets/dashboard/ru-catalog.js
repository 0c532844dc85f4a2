// The words of the catalog in Russian.

export const WORDS = {
  // Channels
  Active: 'Активные',
  Inactive: 'Неактивные',
  'Bring a list, and they are here.': 'Загрузите список, и они появятся здесь.',
  'By name': 'По имени',
  Channels: 'Каналы',
  Members: 'Подписчики',
  'Leave it out': 'Исключить',
  'Take it in': 'Вернуть',
  'No channel is like that.': 'Таких каналов нет.',
  'No channels yet': 'Каналов пока нет',
  Order: 'Порядок',
  'The largest first': 'Сначала крупные',
  'The newest first': 'Сначала новые',

  // Batches
  Batches: 'Подборки',
  'Delete the batch': 'Удалить подборку',
  'Delete the batch “{name}”': 'Удалить подборку «{name}»',
  'Delete the batch “{name}”?': 'Удалить подборку «{name}»?',
  'Its channels stay in the catalog.': 'Её каналы останутся в каталоге.',
  'Make a batch of these {channels}': 'Собрать подборку, всего {channels}',
  'Name of the batch': 'Название подборки',
  'No batch. A campaign writes to one.': 'Подборок нет. Кампания пишет в каналы подборки.',
  'Search batches by name': 'Поиск подборок по названию',
  'The batch has {channels}.': 'В подборке {channels}.',
};
