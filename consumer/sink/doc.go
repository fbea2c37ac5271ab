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
// # Why the claim comes first
//
// Two writers may hold a partition at once: one that was asleep while its
// partition moved does not know that it lost it. Both cut the log at other
// offsets, since they flush by the clock, so their objects have other names and
// both could be stored: the offsets that both cover would stand twice. A claim is
// named by its start alone, which is where the claim before it ends. So both
// contend for one name, the store lets one of them create it, and the other drops
// what it has read and resumes behind it. If the object came first it would be
// readable before anybody knew whether it is the one that counts, and a crash
// between the two would leave an object that the next writer, who cuts elsewhere,
// stores again under another name. A claim without its object is the one thing
// that a crash can leave; it says which offsets and how many rows a day the object
// has, so whoever comes next makes it from the log, the same.
//
// # The states of a partition
//
//	assigned ──► opening ──────► reading ◄──────► flushing
//	               ▲    opened      │     flushed     │
//	               │                │                 │
//	               └────────────────┴─────────────────┘
//	                out of range       another was faster
//
// Opening, a job finds the chain's end in the lake and completes its last claim;
// the client is paused. Reading, what is fetched comes into the buffer, until it is
// large or old enough. Flushing, a job claims the offsets of the buffer, puts its
// objects and commits; what is fetched meanwhile waits behind it. A job that fails
// for a reason that may pass tries again for as long as it takes, with what it
// holds. A partition that is revoked leaves from any state: its job is stopped, and
// its buffer dropped, for its next owner reads it again.
//
// One goroutine, the poll loop, owns the states and alone moves the client. Each job
// has a goroutine and, while it runs, the partition's buffer; it tells the loop
// through one channel what came of it.
//
// # What resuming costs
//
// For each partition and layer a list of the claims from the first on, and the last
// claim. A chain of more than 1,000 claims takes one list more where the committed
// offset is about right, and else about log2(claims/1000) + 3: with 100,000 claims 3
// requests, or up to 10. The last claim's objects are looked at in either case, one
// request a day.
//
// # Files
//
//	sink.go        configuration, life cycle, what callers can see
//	session.go     the life of one Kafka client: options, rebalances
//	loop.go        the poll loop: fetch, seek, begin what is due
//	drain.go       the last flush
//	assignment.go  the state of a partition, when it is due, its jobs
//	budget.go      how many bytes may be held, and flushed at the same time; pauses
//	watch.go       recreated topics, new partitions, lag
//	partition.go   what is read and not in the lake yet; flush and resume
//	chain.go       the claims of a partition in a layer: find, claim
//	object.go      the objects of a claim: check, put
//	output.go      what a layer is to this package, which knows no row
//	log.go         Kafka as partition.go sees it
//
// partition.go, chain.go and object.go know no goroutine, clock or Kafka; the
// simulation in simulation_test.go drives them as they are.
//
// # What holds always
//
//   - A claim starts where its predecessor ends, so all writers contend for one name.
//   - An object is put only below a claim that was seen in the store.
//   - Who finds another's claim at its own place drops its buffers and resumes from the chain.
//   - After an answer that does not say what happened, the store is asked.
package sink
