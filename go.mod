module complaints

go 1.26.0
