package relay

var Sign = sign
