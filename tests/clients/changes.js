// What has changed in the API since the last release, for whoever uses it: a line for each. It ends with 1 if something was taken
// away that the release had not marked as deprecated, or that an operation written for the release would notice.

import { readFileSync } from 'node:fs'
import { buildSchema, findBreakingChanges, findDangerousChanges, isEnumType, isInputObjectType, isInterfaceType, isObjectType } from 'graphql'

const read = (name) => buildSchema(readFileSync(new URL(`../../schema/${name}`, import.meta.url), 'utf8'))
const [released, present] = [read('released.graphql'), read('schema.graphql')]

/** What a type consists of: its fields or values, by name. */
const parts = (type) => {
  if (isEnumType(type)) return Object.fromEntries(type.getValues().map((value) => [value.name, value]))
  return isObjectType(type) || isInterfaceType(type) || isInputObjectType(type) ? type.getFields() : {}
}

// In the words of graphql-js, so that its findings can be told from what was announced.
const announced = new Set()
for (const type of Object.values(released.getTypeMap())) {
  for (const [name, part] of Object.entries(parts(type))) {
    if (part.deprecationReason === undefined) continue
    announced.add(isEnumType(type) ? `${name} was removed from enum type ${type.name}.` : `${type.name}.${name} was removed.`)
  }
}

const broken = findBreakingChanges(released, present)
const unannounced = broken.filter(({ description }) => !announced.has(description))
for (const { description } of unannounced) console.log(`BREAKING: ${description} Mark it as deprecated for a release first.`)
for (const { description } of broken.filter((change) => !unannounced.includes(change))) console.log(`removed: ${description}`)
for (const { description } of findDangerousChanges(released, present)) console.log(`noticeable: ${description}`)
for (const type of Object.values(present.getTypeMap())) {
  const before = released.getType(type.name)
  if (before === undefined) console.log(`new: ${type.name}`)
  else {
    const known = parts(before)
    for (const [name, part] of Object.entries(parts(type))) {
      if (known[name] === undefined) console.log(`new: ${type.name}.${name}`)
      else if (part.deprecationReason && !known[name].deprecationReason)
        console.log(`deprecated: ${type.name}.${name}: ${part.deprecationReason}`)
    }
  }
}
process.exitCode = unannounced.length > 0 ? 1 : 0
