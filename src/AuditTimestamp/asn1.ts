/** What of ASN.1 a time stamp needs, in one module that is loaded where one is wanted. */
export { SignedData } from "@peculiar/asn1-cms"
export { AsnConvert, OctetString } from "@peculiar/asn1-schema"
export { MessageImprint, PKIStatus, TimeStampReq, TimeStampResp, TSTInfo } from "@peculiar/asn1-tsp"
export { AlgorithmIdentifier } from "@peculiar/asn1-x509"
