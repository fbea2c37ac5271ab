// Package sink writes the records of Kafka topics to the lake, each record once
// in each layer of its topic.
//
// In come the committed records of the topics, by one consumer group. Out go
// claims and Parquet objects: a claim says which offsets of a partition an
// object covers, and is created once, before the object (see [schema.Claim]).
// The claims of a partition make a chain, and the chain alone says where to
// resume; the committed offset only shortens the search for its end. So a crash
// at any step, a process that wakes up late, lost offsets and lost answers of
// the store neither lose nor repeat a record: at most the last claim has no
// object yet, and the next who comes writes it.
//
// Resuming asks the store twice for each partition and layer, however long the
// chain: a list of the links from the one that the offset commit names, and that
// link. Where the commit names none, a chain of more than 1,000 links is halved by
// its offsets, which takes about log2(links/1000) + 4 requests (10 with 100,000
// links). The last link's objects are looked at in either case, one request a day.
//
//	sink.go       configuration, life cycle, what callers can see
//	session.go    the life of one Kafka client: polls, rebalances
//	watch.go      recreated topics, new partitions, lag
//	drain.go      the last flush
//	throttle.go   seeks and pauses of the client
//	worker.go     the goroutine of a partition: when to flush, what to try again
//	partition.go  what is read and not in the lake yet; flush and resume
//	chain.go      the links of a partition in a layer: find, claim
//	output.go     what the sink asks of those who make a layer's rows
//	object.go     the objects of a link: encode, check, put
//	budget.go     the bytes of all buffers together
//	log.go        Kafka as partition.go sees it
//
// partition.go, chain.go and object.go know no goroutine, clock or Kafka; the
// simulation in simulation_test.go drives them as they are.
//
// What holds always:
//   - A link starts where its predecessor ends, so all writers contend for one name.
//   - An object is put only below a claim that was seen in the store.
//   - Who finds another's claim at its own place drops its buffers and resumes from the chain.
//   - After an answer that does not say what happened, the store is asked.
package sink
