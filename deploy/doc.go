// Package deploy holds how the system is run: images, the compose file, AWS, Athena, Prometheus and Grafana. It has no
// code of its own but the tests that hold all of it to what the programs do.
package deploy
