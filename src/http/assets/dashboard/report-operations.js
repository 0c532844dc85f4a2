// What the reports ask: series over time, and sums by way and by script.

const FIGURES = `figures {
  attempts sent delivered success failed bounced unknown replied clicked conversions
  revenue { amount currency } cost { amount currency }
}`;

export const SERIES = `query Series(
  $interval: SeriesInterval!, $from: DateTime, $timeZone: String, $filter: RetentionSeriesFilter
) {
  sends: sendSeries(interval: $interval, from: $from, timeZone: $timeZone) {
    points { from sent failed failures { reason sentence remedy count } }
  }
  contacts: retentionSeries(interval: $interval, from: $from, timeZone: $timeZone, filter: $filter) {
    points { from ${FIGURES} }
  }
}`;

export const BY_CHANNEL = `query ByChannel($from: DateTime) {
  channelReport(from: $from) { channels { channel ${FIGURES} } }
}`;

export const REPORT_SCRIPTS = `query ReportScripts($filter: ScriptFilter) {
  scripts(first: 100, filter: $filter, orderBy: { field: NAME }) { totalCount nodes { id name type } }
}`;

/** The contacts of each of these scripts: `s0`, `s1` and so on. */
export const byScript = (scripts) => `query ByScript(${scripts.map((_, n) => `$f${n}: ContactAttemptFilter`).join(', ')}) {
  ${scripts.map((_, n) => `s${n}: contactAttemptStats(filter: $f${n}) { total groups { status count } }`).join('\n  ')}
}`;
