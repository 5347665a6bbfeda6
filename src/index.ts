/**
 * Streams files of Do-Not-Call numbers into Genesys Cloud Outbound DNC lists.
 *
 * @since 0.1.0
 */
export * as Answer from "./Answer.js"
export * as AuditLog from "./AuditLog.js"
export * as AuditSink from "./AuditSink.js"
export * as Auth from "./Auth.js"
export * as Contract from "./Contract.js"
export * as DncEntry from "./DncEntry.js"
export * as DncExport from "./DncExport.js"
export * as DncLists from "./DncLists.js"
export * as DncSubmitter from "./DncSubmitter.js"
export * as DncValidator from "./DncValidator.js"
export * as GenesysDnc from "./GenesysDnc.js"
export * as GenesysError from "./GenesysError.js"
export * as HttpClient from "./HttpClient.js"
export * as Masking from "./Masking.js"
export * as OutputFile from "./OutputFile.js"
export * as Pipeline from "./Pipeline.js"
export * as Region from "./Region.js"
export * as RejectsFile from "./RejectsFile.js"
export * as RetryPolicy from "./RetryPolicy.js"
export * as RunReport from "./RunReport.js"
export * as SuppressionFile from "./SuppressionFile.js"
export * as SuppressionSet from "./SuppressionSet.js"
export * as SyncPlan from "./SyncPlan.js"
export * as WebhookRegistrar from "./WebhookRegistrar.js"
