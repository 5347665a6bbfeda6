/** The first page of help; each command has its own. */
import { version } from "../version.js"
import * as ExitCode from "./ExitCode.js"

export const help = `genesys-dnc ${version}: puts files of Do-Not-Call numbers on Genesys Cloud Outbound DNC lists

Usage
  genesys-dnc push FILE... --list ID     put the numbers of files on a DNC list
  genesys-dnc remove FILE... --list ID   take the numbers of files off a DNC list; asks first
  genesys-dnc sync FILE... --list LIST   make a DNC list equal to files, by a plan that is shown first; asks
  genesys-dnc validate FILE...           check files by the same rules, without a network
  genesys-dnc login                      sign in with a browser, instead of credentials in the environment
  genesys-dnc logout                     forget that login
  genesys-dnc lists [NAME-PART]          the DNC lists: ids, types, sizes, imports
  genesys-dnc doctor --list LIST         whether the work for a list can succeed, and what to do if not
  genesys-dnc export --list LIST         what is on a list, as a file that can be fed in again
  genesys-dnc audit verify               whether the evidence is what was written
  genesys-dnc audit find NUMBER          when a number went onto which list, and by which run
  genesys-dnc runs list                  the runs of the audit log; runs show, resume, export RUN, prune
  genesys-dnc evidence RUN               one run as a folder to hand over, with a page that says what was done
  genesys-dnc expire --list LIST         take numbers off whose end the list could not say, and purge the expired
  genesys-dnc webhook register|list      the webhook by which a compliance platform learns of new entries
  genesys-dnc sandbox                    serve a stand-in for Genesys Cloud on this machine
  genesys-dnc demo                       push the example file to a sandbox of its own
  genesys-dnc COMMAND --help             all options of a command

Environment (flags win over it, and it wins over .env)
  GENESYSCLOUD_REGION                    AWS name or domain of the org's region
  GENESYSCLOUD_OAUTHCLIENT_ID            OAuth client with the grant Client Credentials
  GENESYSCLOUD_OAUTHCLIENT_SECRET        its secret
  GENESYSCLOUD_ACCESS_TOKEN              instead of the two: a token that is never renewed
  GENESYSCLOUD_PROFILE                   instead of them: a profile of the vendor's gc CLI
  GENESYS_DNC_LIST                       id of the DNC list
  GENESYS_DNC_API_URL                    instead of the region's API host
  GENESYS_DNC_LOGIN_URL                  instead of the region's login host
  GENESYS_DNC_LOGIN_FILE                 where login keeps the login; ~/.config/genesys-dnc/login.json if not set
  GENESYS_DNC_OPERATOR                   who runs this, for the audit log
  GENESYS_DNC_SIGN_KEY                   file of the Ed25519 key that signs the head of the audit log
  GENESYS_DNC_TIMESTAMP_URL              RFC 3161 service that stamps the head of the audit log
  GENESYS_DNC_RETENTION                  how long runs prune keeps records at least; 5y if not set
  GENESYS_DNC_AUDIT_KEY                  key that numbers in the log are hashed with; if not set, one is made beside it

Exit codes
${ExitCode.explained.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`).join("\n")}
`
