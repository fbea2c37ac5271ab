// Package chaos breaks everything that can break around the consumer, on real
// servers, and counts what came of each message.
//
// In comes nothing but the program. Out comes a table: a row for each fault, how
// often it was injected, how many messages were published meanwhile, how many of
// them were lost and repeated, and how long it took until all of them stood
// everywhere once the fault was over and the last was published. Lost and repeated
// are summed over five places, each of which should hold a message once: the
// results (classified or dead letter), bronze, silver and gold, and the report of
// consumer verify, which has to pass too. The table's own counts do not come from
// verify: they read the topics as a reader of committed records, and the rows of
// the Parquet files, and compare both with what was published.
//
// TestMatrix is the short matrix, -chaos.long all of it. TestMutations takes a
// guarantee out of the program by a patch of the folder mutations and runs a row,
// which must fail. TestSoak publishes a million messages and kills at random.
//
// A row whose fault could not be injected says so and is run again: it counts nothing.
//
// Each row has its own topics, groups and folder of the lake, so that several run
// at once; those that break what all share run alone, after the others.
//
//	shared_env_test.go  what all rows share: broker, gateway, program
//	row_env_test.go     what a row has to itself: topics, lake, consumers
//	worker_test.go   consumer processes, started again when they end by themselves
//	publish_test.go  the messages
//	settle_test.go   waiting until all is done
//	count_test.go    what came of each message
//	s3_test.go       a proxy in front of the gateway that answers as it should not
//	rows_test.go     the faults of processes and the store; log_test.go those of the broker; disk_test.go a full disk
//	mutate_test.go   building the program with a patch applied
//	matrix_test.go   the order of the rows, and the table
//	soak_test.go     a million messages, and memory over time
package chaos
