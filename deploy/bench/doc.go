// Package bench measures the stream on real servers: how many messages a second
// the consumer takes from a topic to committed results and gold, at what cost
// and delay, next to what Kafka itself allows (ceiling) and to the usual Python
// stack (python_stack.py). See PERFORMANCE.md for the figures.
package bench
