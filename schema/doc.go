// Package schema is what two programs must agree on, and nothing else: the
// messages on the topics, the rows and object names of the lake, the five
// categories. It imports the standard library only.
//
// In comes a message of the complaints topic; [DecodeComplaint] turns it into a
// [Complaint] or says by a fixed [Reason] why not. Out goes a [Classified]
// message. Nothing here has state, so nothing here is lost in a crash.
package schema
