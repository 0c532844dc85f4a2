// What a component of a Relay application declares: a page of a connection that can be continued, and a mutation that
// updates the store. Relay's compiler checks it against the schema and turns it into artifacts.

import { graphql } from 'relay-runtime'

export const fragment = graphql`
  fragment CampaignJobs_campaign on BroadcastCampaign
  @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "String" })
  @refetchable(queryName: "CampaignJobsPaginationQuery") {
    name
    status
    jobs(first: $first, after: $after) @connection(key: "CampaignJobs_jobs") {
      edges {
        node {
          id
          status
          channel {
            username
          }
        }
      }
    }
  }
`

export const query = graphql`
  query CampaignJobsQuery($id: ID!) {
    broadcastCampaign(id: $id) {
      ...CampaignJobs_campaign
    }
  }
`

export const login = graphql`
  mutation CampaignJobsLoginMutation($input: LoginInput!) {
    login(input: $input) {
      accessToken
    }
  }
`

export const start = graphql`
  mutation CampaignJobsStartMutation($input: StartBroadcastCampaignInput!) {
    startBroadcastCampaign(input: $input) {
      campaign {
        id
        status
      }
    }
  }
`
